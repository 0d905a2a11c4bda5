"""One request to a system outside: only listed hosts, no redirects, bounded time and size, secrets from files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests

from contracts.errors import OperatorError, SettingError, UserError
from contracts.settings import Settings
from kpis.collecting.deadline import Late, session

LARGEST = 5_000_000  # bytes of an answer
_CONNECT_SEC, _READ_SEC, _WHOLE_SEC = 5.0, 10.0, 30.0
_CHUNK = 65_536


class Fetcher:
    """Asks and hands over, at most `tries` times with growing pauses. `sleep` is passed in by tests."""

    def __init__(self, settings: Settings, *, tries: int = 3, sleep: Callable[[float], None] = time.sleep) -> None:
        hosts = settings.text("kpi.collect.hosts").split(",")
        self._hosts = {host.strip().lower() for host in hosts if host.strip()}
        self._secrets = Path(settings.text("home")) / "secrets" / "kpi"
        self._tries, self._sleep = tries, sleep

    def json(self, url: str, params: Mapping[str, str] | None = None, secret: str = "") -> Any:
        """The answer's content. Raises OperatorError where it cannot be had or is no JSON, SettingError on a host not listed."""
        place, body = self._asked("GET", url, secret, params=params, headers={"Accept": "application/json"})
        return _parsed(body, place)

    def post(self, url: str, body: bytes, kind: str, *, secret: str = "") -> None:
        """Hands a body over. Raises as `json` does."""
        self._asked("POST", url, secret, data=body, headers={"Content-Type": kind})

    def _asked(self, method: str, url: str, secret: str, *, headers: dict[str, str], **more: Any) -> tuple[str, bytes]:
        """Where it went (without its query), and the answer's body."""
        place = self._checked(url)
        credentials, auth = self._credentials(secret)
        for attempt in range(1, self._tries + 1):
            try:
                return place, self._once(
                    method, url, place, secret, headers={**headers, **credentials}, auth=auth, **more
                )
            except _Again as error:
                if attempt == self._tries:
                    raise OperatorError(
                        f"{error} ({attempt} tries)", where=place, remedy="is it running? the next run asks again"
                    ) from None
                self._sleep(0.5 * 2**attempt)
        raise AssertionError

    def _checked(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            raise UserError(f"{url[:80]!r} is no URL", where="source.url") from None
        if parts.scheme not in ("http", "https") or not host:
            raise UserError("is no URL of http or https", where="source.url")
        if parts.username is not None or parts.password is not None:
            raise UserError("holds a user or password", where="source.url", remedy="name a secret instead")
        if not {host, f"{host}:{port}"} & self._hosts:
            raise SettingError(
                f"{host}{f':{port}' if port else ''} is not among the hosts that may be asked",
                where="kpi.collect.hosts",
                remedy="list it there, with or without its port",
            )
        return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"

    def _credentials(self, secret: str) -> tuple[dict[str, str], tuple[str, str] | None]:
        if not secret:
            return {}, None
        path = self._secrets / secret
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise OperatorError(
                f"secret cannot be read: {type(error).__name__}",
                where=str(path),
                remedy="write `bearer TOKEN` or `USER:PASSWORD` into it",
            ) from None
        kind, _, rest = text.partition(" ")
        if kind.lower() == "bearer" and rest:
            return {"Authorization": f"Bearer {rest.strip()}"}, None
        user, colon, password = text.partition(":")
        if not colon:
            raise OperatorError("is neither `bearer TOKEN` nor `USER:PASSWORD`", where=str(path))
        return {}, (user, password)

    def _once(self, method: str, url: str, place: str, secret: str, **more: Any) -> bytes:
        try:
            with (
                session(_WHOLE_SEC) as asking,
                asking.request(
                    method, url, timeout=(_CONNECT_SEC, _READ_SEC), allow_redirects=False, stream=True, **more
                ) as answer,
            ):
                _check_status(answer.status_code, place, secret)
                return _body(answer, place)
        except Late:
            raise _Again(f"takes more than {_WHOLE_SEC:.0f} s") from None
        except requests.RequestException as error:
            raise _Again(f"no answer: {type(error).__name__}") from None


class _Again(Exception):
    """Worth another try."""


def _check_status(status: int, place: str, secret: str) -> None:
    if status in (401, 403):
        named = f"secret {secret!r} does" if secret else "asking without a secret is"
        raise OperatorError(f"refused the credentials (HTTP {status})", where=place, remedy=f"the {named} not enough")
    if status == 429 or status >= 500:
        raise _Again(f"HTTP {status}")
    if not 200 <= status < 300:
        raise OperatorError(f"HTTP {status}", where=place, remedy="correct the URL; redirects are not followed")


def _body(answer: requests.Response, place: str) -> bytes:
    found = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        found += chunk
        if len(found) > LARGEST:
            raise OperatorError(f"answers more than {LARGEST:,} bytes", where=place)
    return bytes(found)


def _parsed(body: bytes, place: str) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise OperatorError(f"answers no JSON: {error}"[:200], where=place) from None
