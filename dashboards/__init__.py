"""Dashboards as data, and the compiler that makes Kibana's saved objects of them."""
