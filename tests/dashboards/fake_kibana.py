"""A small Kibana for tests: spaces, import of saved objects, alerting rules, as Kibana 8.19 documents them.

No registry carries a Kibana. The fake is held against the documented formats by test_dashboard_push.py: requests without
kbn-xsrf, of another version's form or with unknown keys are refused as Kibana refuses them.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

CHECKED_REFERENCES = ("index-pattern", "search")  # the types whose absence Kibana refuses an import for
SPACE_KEYS = {"id", "name", "description", "disabledFeatures", "color", "initials", "imageUrl", "solution"}
RULE_KEYS = {
    "name", "rule_type_id", "consumer", "enabled", "schedule", "tags", "actions", "params",
    "throttle", "notify_when", "alert_delay", "flapping",
}  # fmt: skip
UPDATE_KEYS = RULE_KEYS - {"rule_type_id", "consumer", "enabled"}
PARAMETER_KEYS = {
    "searchType", "esqlQuery", "timeField", "timeWindowSize", "timeWindowUnit", "threshold", "thresholdComparator",
    "size", "aggType", "groupBy", "termSize", "excludeHitsFromPreviousRun",
}  # fmt: skip
VERSIONS = {"index-pattern": (8, 0, 0), "tag": (8, 0, 0), "search": (10, 5, 0), "dashboard": (10, 2, 0)}


@dataclass
class Space:
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class FakeKibana:
    """`refuse`: status of every answer from now on, 0 for none. `seen`: method and path of each request."""

    version: str = "8.19.9"
    authorization: str = ""
    refuse: int = 0
    url: str = ""
    spaces: dict[str, Space] = field(default_factory=lambda: {"default": Space()})
    seen: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, dict[str, Any]]:
        self.seen.append((method, target))
        parts = urlsplit(target)
        if self.refuse:
            return _error(self.refuse, "refused by the test")
        if self.authorization and headers.get("Authorization") != self.authorization:
            return _error(401, "Unauthorized")
        if method != "GET" and not headers.get("kbn-xsrf"):
            return _error(400, "Request must contain a kbn-xsrf header.")
        found = re.fullmatch(r"(?:/s/([^/]+))?(/api/.+)", parts.path)
        name, path = (unquote(found[1] or "default"), found[2]) if found else ("", "")
        if path == "/api/status":
            return 200, {"version": {"number": self.version}, "status": {"overall": {"level": "available"}}}
        if path.startswith("/api/spaces/space"):
            return self._space(method, unquote(path.removeprefix("/api/spaces/space").strip("/")), body)
        if name not in self.spaces:
            return _error(404, "Not Found")
        if path == "/api/saved_objects/_import" and method == "POST":
            return _imported(self.spaces[name], parse_qs(parts.query), headers, body)
        if path.startswith("/api/alerting/rule/"):
            return _rule(self.spaces[name], method, path.rsplit("/", 1)[1], body)
        return _error(404, "Not Found")

    def _space(self, method: str, name: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if method == "GET":
            return (200, {"id": name}) if name in self.spaces else _error(404, "Not Found")
        asked = json.loads(body)
        if set(asked) - SPACE_KEYS or not re.fullmatch(r"[a-z0-9_-]+", asked.get("id", "")):
            return _error(400, "[request body]: must be lower case, a-z, 0-9, '_', and '-' are allowed")
        if asked["id"] in self.spaces:
            return _error(409, "Conflict")
        self.spaces[asked["id"]] = Space()
        return 200, asked


def _imported(space: Space, query: dict[str, list[str]], headers: Any, body: bytes) -> tuple[int, dict[str, Any]]:
    file = _uploaded(headers, body)
    if file is None or not file[0].endswith(".ndjson"):
        return _error(415, "Invalid file extension")
    rows = [json.loads(line) for line in file[1].decode().splitlines() if line]
    errors = []
    given = {(row["type"], row["id"]) for row in rows}
    for row in rows:
        missing = [
            {"type": reference["type"], "id": reference["id"]}
            for reference in row["references"]
            if reference["type"] in CHECKED_REFERENCES
            and (reference["type"], reference["id"]) not in given | set(space.objects)
        ]
        problem: dict[str, Any] | None = None
        if row["type"] not in VERSIONS:
            problem = {"type": "unsupported_type"}
        elif tuple(map(int, row["typeMigrationVersion"].split("."))) > VERSIONS[row["type"]]:
            problem = {"type": "unknown", "message": "belongs to a more recent version of Kibana", "statusCode": 422}
        elif missing:
            problem = {"type": "missing_references", "references": missing}
        elif (row["type"], row["id"]) in space.objects and query.get("overwrite") != ["true"]:
            problem = {"type": "conflict"}
        if problem:
            errors.append({"id": row["id"], "type": row["type"], "meta": {}, "error": problem})
    if not any(error["error"]["type"] == "missing_references" for error in errors):
        bad = {(error["type"], error["id"]) for error in errors}
        space.objects.update({(row["type"], row["id"]): row for row in rows if (row["type"], row["id"]) not in bad})
    answer: dict[str, Any] = {"successCount": len(rows) - len(errors), "success": not errors, "warnings": []}
    return 200, answer | ({"errors": errors} if errors else {})


def _uploaded(headers: Any, body: bytes) -> tuple[str, bytes] | None:
    """Name and content of the part `file` of a form."""
    head = f"Content-Type: {headers.get('Content-Type', '')}\r\n\r\n".encode()
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    if not message.is_multipart():
        return None
    for part in message.iter_parts():  # type: ignore[attr-defined]
        if part.get_param("name", header="content-disposition") == "file":
            return str(part.get_filename()), part.get_payload(decode=True)
    return None


def _rule(space: Space, method: str, key: str, body: bytes) -> tuple[int, dict[str, Any]]:
    if method == "GET":
        return (200, space.rules[key]) if key in space.rules else _error(404, f"Saved object [alert/{key}] not found")
    asked = json.loads(body)
    allowed = RULE_KEYS if method == "POST" else UPDATE_KEYS
    unknown = sorted(set(asked) - allowed) + sorted(set(asked.get("params", {})) - PARAMETER_KEYS)
    if unknown:
        return _error(400, f"[request body.{unknown[0]}]: definition for this key is missing")
    if method == "POST" and key in space.rules:
        return _error(409, "Conflict")
    if str(uuid.UUID(key)) != key:
        return _error(400, "Predefined IDs are not allowed for saved objects with encrypted attributes")
    space.rules[key] = {"id": key, "revision": 0, "actions": [], **space.rules.get(key, {}), **asked}
    return 200, space.rules[key]


def _error(status: int, message: str) -> tuple[int, dict[str, Any]]:
    return status, {"statusCode": status, "error": "Error", "message": message}


def serve(kibana: FakeKibana) -> ThreadingHTTPServer:
    """Starts it; its address stands in `kibana.url`."""

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = kibana.answer(self.command, self.path, self.headers, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _reply  # noqa: N815 - names of the base class

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kibana.url = f"http://127.0.0.1:{server.server_address[1]}"
    return server
