"""Dashboards as data, the compiler that makes Kibana's saved objects of them, and what checks and installs these.

load(root)        everything under kibana/, checked          build(root), write_built(root)   kibana/saved_objects/
ask_all(store, …) every query asked once                     push(kibana, root)               into a Kibana
"""

from dashboards.build import Definitions, build, load, stale, write_built
from dashboards.check import Answer, ask_all
from dashboards.push import PushReport, push

__all__ = ["Answer", "Definitions", "PushReport", "ask_all", "build", "load", "push", "stale", "write_built"]
