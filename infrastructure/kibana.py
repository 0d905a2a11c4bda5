"""Kibana's HTTP API as far as installing our objects needs it: spaces, import of saved objects, alerting rules.

Formats: Kibana 8.19's documentation of `/api/spaces/space`, `/api/saved_objects/_import`, `/api/alerting/rule` and `/api/status`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.auth import HTTPBasicAuth

from contracts.errors import OperatorError, SettingError, StoreRefused, StoreUnavailable
from contracts.settings import Settings

OLDEST = (8, 19)  # that has everything our dashboards are made of
_CHANGEABLE = ("name", "tags", "schedule", "params", "actions")  # what updating a rule takes
_TIMEOUT_SEC = 120


class ApiKey(requests.auth.AuthBase):
    """`Authorization: ApiKey …`; it shows itself to nobody."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"ApiKey {self._key}"
        return request

    def __repr__(self) -> str:
        return "ApiKey(…)"


@dataclass(frozen=True, slots=True)
class Account:
    """`url` without a slash at its end; `authority`: PEM file of who signed its certificate, "" for the system's."""

    url: str
    auth: requests.auth.AuthBase | None
    authority: str = ""
    timeout_sec: float = _TIMEOUT_SEC
    away: str = "check that Kibana runs and KIBANA_URL is right"
    other: str = "check KIBANA_URL"


def account(settings: Settings) -> Account:
    """Where Kibana is, from the settings kibana.*. Raises SettingError on an address, a pair or a file that cannot be one."""
    url = settings.text("kibana.url").rstrip("/")
    if not url:
        raise SettingError("unset", where="KIBANA_URL", remedy="write https://HOST:5601")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError("is not an address", where="KIBANA_URL", remedy="write https://HOST:5601")
    if parts.username or parts.password:
        raise SettingError(
            "holds a password, which would show up in logs",
            where="KIBANA_URL",
            remedy="use KIBANA_API_KEY, or KIBANA_USER and KIBANA_PASSWORD",
        )
    authority = settings.text("kibana.ca")
    if authority and not Path(authority).is_file():
        raise SettingError(f"there is no file {authority}", where="KIBANA_CA")
    return Account(url, _auth(settings), authority, settings.number("kibana.timeout.sec"))


def _auth(settings: Settings) -> requests.auth.AuthBase | None:
    key, user = settings.text("kibana.api.key"), settings.text("kibana.user")
    if key:
        if any(sign.isspace() or not sign.isprintable() for sign in key):
            raise SettingError("is not a key as Kibana shows it (base64 id:key)", where="KIBANA_API_KEY")
        return ApiKey(key)
    if user and not settings.text("kibana.password"):
        raise SettingError("unset, but KIBANA_USER is set", where="KIBANA_PASSWORD")
    return HTTPBasicAuth(user.encode(), settings.text("kibana.password").encode()) if user else None


class Kibana:
    """One Kibana, one space. Every call raises StoreUnavailable when it does not answer, StoreRefused when it says no."""

    def __init__(self, account: Account, space: str = "default") -> None:
        self._account, self.space = account, space
        self._session = requests.Session()
        self._session.auth = account.auth
        self._session.verify = account.authority or True
        self._session.headers["kbn-xsrf"] = "busyhour"
        self._session.trust_env = False  # no proxy and no other credentials (.netrc) from the surroundings

    def close(self) -> None:
        self._session.close()

    def version(self) -> str:
        """Raises OperatorError when it is older than what our objects are written for."""
        found = str(_mapping(self._ask("GET", "/api/status").get("version")).get("number", ""))
        try:
            numbers = tuple(int(part) for part in found.split(".")[:2])
        except ValueError:
            numbers = ()
        if numbers < OLDEST:
            raise OperatorError(
                f"Kibana {found or 'of an unknown version'} is older than {'.'.join(map(str, OLDEST))}",
                where=self._account.url,
                remedy="install Kibana 8.19 or later",
            )
        return found

    def ensure_space(self, name: str) -> bool:
        """Makes the space unless it is there; True when it was made. Two at once make one."""
        if self.space == "default":
            return False
        if self._ask("GET", f"/api/spaces/space/{quote(self.space, safe='')}", allow=(404,)).get("id"):
            return False
        body = {"id": self.space, "name": name, "description": "Telecom service assurance", "disabledFeatures": []}
        return self._ask("POST", "/api/spaces/space", json=body, allow=(409,)).get("statusCode") != 409

    def import_objects(self, name: str, content: bytes) -> int:
        """Objects imported from one NDJSON file, existing ones replaced. StoreRefused when Kibana refuses any of them."""
        place = self._in_space("/api/saved_objects/_import")
        body = self._ask(
            "POST",
            place,
            params={"overwrite": "true"},
            files={"file": (name, content, "application/ndjson")},
            what=name,
        )
        if not body.get("success"):
            raise StoreRefused(f"Kibana refused {name}: {_complaint(body)}", where=self._account.url + place)
        return int(body.get("successCount", 0))

    def put_rule(self, key: str, body: Mapping[str, Any]) -> bool:
        """Makes an alerting rule, or changes the one of this id to what `body` says; True when it was made.

        Whether a rule that is there runs, and what actions somebody gave it, stays as it is.
        """
        place = self._in_space(f"/api/alerting/rule/{quote(key, safe='')}")
        found = self._ask("GET", place, allow=(404,))
        if found.get("statusCode") == 404:
            made = self._ask("POST", place, json=dict(body), what=str(body.get("name")), allow=(409,))
            return made.get("statusCode") != 409  # another push was quicker
        changed = {part: body[part] for part in _CHANGEABLE if part in body}
        if not changed.get("actions"):
            changed["actions"] = [_without_own(action) for action in found.get("actions", [])]
        self._ask("PUT", place, json=changed, what=str(body.get("name")))
        return False

    def _in_space(self, path: str) -> str:
        return path if self.space == "default" else f"/s/{quote(self.space, safe='')}{path}"

    def _ask(
        self, method: str, path: str, *, allow: tuple[int, ...] = (), what: str = "", **request: Any
    ) -> dict[str, Any]:
        place = self._account.url + path
        try:
            answer = self._session.request(
                method, place, timeout=self._account.timeout_sec, allow_redirects=False, **request
            )
        except requests.RequestException as error:
            raise StoreUnavailable(
                f"Kibana does not answer: {type(error).__name__}: {error}", where=place, remedy=self._account.away
            ) from error
        body = _body(answer, place, self._account.other)
        if not answer.ok and answer.status_code not in allow:
            told = f"Kibana refused {what}" if what else "Kibana refused"
            raise StoreRefused(f"{told}: {answer.status_code} {body.get('message', '')}".strip(), where=place)
        return {**body, "statusCode": answer.status_code} if not answer.ok else body


def _body(answer: requests.Response, place: str, remedy: str) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError as error:
        raise OperatorError(f"what answers is not Kibana ({answer.status_code})", where=place, remedy=remedy) from error
    return _mapping(body)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _without_own(action: Mapping[str, Any]) -> dict[str, Any]:
    """An action as updating takes it: Kibana tells its connector's type, too, and does not take it back."""
    return {key: value for key, value in action.items() if key != "connector_type_id"}


def _complaint(body: Mapping[str, Any]) -> str:
    rows = [_mapping(row) for row in body.get("errors", [])]
    told = [f"{row.get('type')} {row.get('id')}: {_mapping(row.get('error')).get('type')}" for row in rows]
    return "; ".join(told[:10]) or "it does not say why"
