"""The way to Elasticsearch: address and credentials from the settings, the client, and the check of what answers there."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from elastic_transport import NdjsonSerializer, Urllib3HttpNode
from elastic_transport._node import NodeApiResponse
from elasticsearch import Elasticsearch, OrjsonSerializer

from contracts.errors import OperatorError, SettingError, StoreUnavailable
from contracts.settings import Settings
from infrastructure.node.lifecycle import LocalNode

OLDEST = (8, 19)  # ES|QL as our queries use it; the client 8.19 talks to 9.x, too
_SPARE_CONNECTIONS = 8  # besides the senders: the caller's own reads while they send
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_log = logging.getLogger(__name__)
# Who waits for Elasticsearch says so itself; without a handler Python would print the client's view of it, too.
logging.getLogger("elastic_transport").addHandler(logging.NullHandler())


class QuietNode(Urllib3HttpNode):
    """Elasticsearch's `Warning` headers (deprecations, a cut answer) go to the log, not to Python's warnings."""

    def perform_request(self, *args: Any, **keywords: Any) -> NodeApiResponse:
        answer = super().perform_request(*args, **keywords)
        if "warning" in answer.meta.headers:
            _log.info("Elasticsearch warns: %s", answer.meta.headers.pop("warning"))
        return answer


class Ready(NdjsonSerializer):
    """Bodies of bulk requests are bytes already and end in a line feed; the client's own way copies them twice."""

    def dumps(self, data: Any) -> bytes:
        return data if isinstance(data, bytes) else super().dumps(data)


def open_client(settings: Settings) -> tuple[Elasticsearch, str]:
    """Client and address: of es.url, else of the local node of home. Nothing is sent yet.

    Raises StoreUnavailable when no local node runs, SettingError on an es.url or es.ca that cannot be one.
    """
    if settings.text("es.url"):
        return _remote(settings)
    node = LocalNode(Path(settings.text("home")), settings)
    status = node.status()
    if not status.running or status.url is None:
        raise StoreUnavailable(
            "no Elasticsearch: the local node is not running",
            where=str(status.home),
            remedy="start it with `busyhour node start`, or point ES_URL at another Elasticsearch 8.19 or later",
        )
    return _client(settings, status.url, {"basic_auth": node.credentials()}), status.url


def _remote(settings: Settings) -> tuple[Elasticsearch, str]:
    url = settings.text("es.url").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(f"{url!r} is not an address", where="ES_URL", remedy="write https://HOST:9200")
    if parts.username or parts.password:
        raise SettingError(
            "holds a password, which would show up in logs", where="ES_URL", remedy="use ES_USER and ES_PASSWORD"
        )
    options: dict[str, Any] = {}
    if settings.text("es.api.key"):
        options["api_key"] = settings.text("es.api.key")
    elif settings.text("es.user"):
        options["basic_auth"] = (settings.text("es.user"), settings.text("es.password"))
    if settings.text("es.ca"):
        options["ca_certs"] = _authority(settings.text("es.ca"), parts.scheme)
    port = parts.port or (443 if parts.scheme == "https" else 9200)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return _client(settings, f"{parts.scheme}://{host}:{port}{parts.path}", options), url


def _authority(path: str, scheme: str) -> str:
    if scheme != "https":
        raise SettingError("means nothing for an address with http://", where="ES_CA", remedy="use https:// in ES_URL")
    if not Path(path).is_file():
        raise SettingError(f"no such file: {path}", where="ES_CA", remedy="name the PEM file of the authority")
    return path


def _client(settings: Settings, url: str, options: dict[str, Any]) -> Elasticsearch:
    return Elasticsearch(
        url,
        node_class=QuietNode,
        serializers={OrjsonSerializer.mimetype: OrjsonSerializer(), Ready.mimetype: Ready()},
        http_compress=urlsplit(url).hostname not in _LOOPBACK,
        connections_per_node=settings.number("ingest.senders") + _SPARE_CONNECTIONS,
        request_timeout=settings.number("es.timeout.sec"),
        max_retries=0,  # the store tries again itself: it knows what may be sent twice
        retry_on_timeout=False,
        **options,
    )


def check_server(answer: Any, url: str) -> str:
    """Version of the server from its answer to `GET /`. Raises OperatorError when it is none of ours, or too old."""
    remedy = "point ES_URL at an Elasticsearch 8.19 or later"
    version = answer.get("version") if isinstance(answer, dict) else None
    number = str(version.get("number", "")) if isinstance(version, dict) else ""
    digits = number.partition("-")[0].split(".")
    if not isinstance(version, dict) or "distribution" in version or len(digits) < 2 or not "".join(digits).isdigit():
        raise OperatorError("what answers is not Elasticsearch", where=url, remedy=remedy)
    if (int(digits[0]), int(digits[1])) < OLDEST:
        raise OperatorError(f"Elasticsearch {number} is too old", where=url, remedy=remedy)
    return number
