"""The console: web pages and a REST API over the store, for staff. The second renderer of `kibana/dashboards/*.yml`.

`app.create_app(Services)` makes the application. A request goes: security (headers, CSRF) → person (session or API key) → rights
(asked of Elasticsearch, as that person) → page or API → templates. Every query runs as the person who caused it.
"""
