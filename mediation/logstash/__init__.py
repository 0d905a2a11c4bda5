"""The Logstash side of mediation: pipelines rendered from the layouts, so that both runners give the same documents."""

from mediation.logstash.files import render, write_rendered

__all__ = ["render", "write_rendered"]
