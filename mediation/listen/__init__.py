"""Listening: Filebeat ships lines straight into the store, without a Logstash in between.

    server = Server(store, Limits(), host="127.0.0.1", port=5044, tls=tls_context(cert, key, client_ca))
    server.serve()          until server.stop() is called, from a signal handler or another thread

The way of a line: frames (`frames.py`, the Beats protocol) → events (`events.py`) → outcomes and the store (`writer.py`) → ack
(`connection.py`). What is acknowledged, Elasticsearch has acknowledged before.
"""

from mediation.listen.frames import Limits
from mediation.listen.server import Server
from mediation.listen.tls import tls_context

__all__ = ["Limits", "Server", "tls_context"]
