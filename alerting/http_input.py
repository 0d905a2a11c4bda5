"""Input `http`: what another system answers, as Watcher's own.

A request without `url` and `host` asks Elasticsearch itself, with the runner's own account: only how it is
(`_cluster/health`, `_cat`, `_nodes/stats`), never records. A JSON object is the payload, an array is `data`, anything else
`_value`; beside it stands `_status_code`. What does not answer in time, or answers more than `MOST_BYTES`, is an error of
the watch. Redirects are not followed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson
import requests

from alerting.template import MISSING, at_path, render_all
from contracts.errors import OperatorError, UserError
from infrastructure.store import Store

MOST_BYTES = 1_000_000
_TIMEOUT_SEC = 10.0  # a watch has its minute; several of them share it
OWN_PATHS = ("/_cluster/health", "/_cat/", "/_nodes/stats")


def ask(store: Store, spec: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Payload of an `http` input. Raises OperatorError when nobody answers in time, UserError on an answer too large."""
    request = render_all({key: value for key, value in spec["request"].items() if key != "port"}, context)
    if not of_others(spec):
        answer = store.exchange.ask("GET", _own_path(request["path"]), params=request.get("params"))
        payload = _payload(answer, 200)
    else:
        payload = _asked(_address(request, spec["request"].get("port")), request)
    wanted = spec.get("extract")
    return _extracted(payload, wanted) if wanted else payload


def of_others(spec: Mapping[str, Any]) -> bool:
    """It asks another system than our Elasticsearch."""
    return "url" in spec["request"] or "host" in spec["request"]


def _own_path(path: str) -> str:
    if not path.startswith(OWN_PATHS) or ".." in path:
        raise UserError(
            f"{path!r} is nothing that a watch may ask Elasticsearch", remedy=f"one of {', '.join(OWN_PATHS)}"
        )
    return path


def _address(request: Mapping[str, Any], port: int | None) -> str:
    if "url" in request:
        return str(request["url"])
    path = str(request.get("path", "/"))
    where = f"{request['host']}:{port}" if port else request["host"]
    return f"{request.get('scheme', 'http')}://{where}{'' if path.startswith('/') else '/'}{path}"


def _asked(address: str, request: Mapping[str, Any]) -> dict[str, Any]:
    end = time.monotonic() + _TIMEOUT_SEC
    try:
        with requests.request(
            str(request.get("method", "get")).upper(),
            address,
            params=request.get("params"),
            headers={"User-Agent": "busyhour", **request.get("headers", {})},
            data=request.get("body", "").encode() or None,
            timeout=(_TIMEOUT_SEC / 2, _TIMEOUT_SEC / 2),
            allow_redirects=False,
            stream=True,
        ) as answer:
            content = b""
            for piece in answer.iter_content(65536):
                content += piece
                if len(content) > MOST_BYTES:
                    raise UserError(f"answers more than {MOST_BYTES:,} bytes", where=_shown(address))
                if time.monotonic() > end:
                    raise OperatorError(f"no whole answer within {_TIMEOUT_SEC:.0f} s", where=_shown(address))
            return _payload(_parsed(content), answer.status_code)
    except (requests.RequestException, OSError, ValueError) as error:
        raise OperatorError(f"does not answer: {type(error).__name__}", where=_shown(address)) from error


def _parsed(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode("utf-8", "replace")


def _payload(answer: Any, status: int) -> dict[str, Any]:
    body = answer if isinstance(answer, dict) else {"data" if isinstance(answer, list) else "_value": answer}
    return {**body, "_status_code": status}


def _extracted(payload: Mapping[str, Any], wanted: list[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {"_status_code": payload["_status_code"]}
    for path in wanted:
        found = at_path(payload, path)
        if found is not MISSING:
            *parents, leaf = path.split(".")
            level = kept
            for parent in parents:
                level = level.setdefault(parent, {})
            level[leaf] = found
    return kept


def _shown(address: str) -> str:
    """Without what stands behind the `?` and before the `@`: both may be secret."""
    plain = address.split("?", 1)[0]
    scheme, _, rest = plain.partition("://")
    return f"{scheme}://{rest.rsplit('@', 1)[-1]}"
