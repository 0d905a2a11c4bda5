"""One question to Elasticsearch and its answer: waits while it is away, turns refusals into our errors."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from elastic_transport import ConnectionTimeout, SerializationError, TlsError, TransportError
from elasticsearch import ApiError, Elasticsearch, UnsupportedProductError

from contracts.errors import ConflictError, InternalError, OperatorError, StoreRefused, StoreUnavailable, TooSlow
from contracts.settings import Settings
from infrastructure.patience import Announcer, Patience

JSON = "application/json"
NDJSON = "application/x-ndjson"
AWAY = "check that Elasticsearch runs and can be reached (`busyhour node status` for the local node), then run again"
READ_ONLY = (
    "lift the block: free disk space (Elasticsearch lifts the flood-stage block by itself), or set index.blocks.write "
    "or cluster.blocks.read_only to null"
)
_BUSY = (429, 502, 503, 504)
_BUSY_WORDS = {429: "is overloaded", 502: "is not reached by its proxy", 503: "is not ready", 504: "answers too late"}
_TOO_LARGE_SEC = 60.0  # memory short for longer than this: it is this request that is too large
_USERS_SEC = 60.0  # after an outage, a refused password may be one that is not known yet
_TIMEOUT_TRIES = 2  # a slow query is asked once more, not for fifteen minutes
_ALIVE_SEC = 5.0  # whether a server that let a request time out answers at all


class Exchange:
    """Sends requests for a store. Safe for threads. `reopen` gives a new client when the server may have moved."""

    def __init__(
        self,
        client: Elasticsearch,
        settings: Settings,
        *,
        place: str,
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        reopen: Callable[[], tuple[Elasticsearch, str]] | None = None,
    ) -> None:
        self.place = place
        self._client = client
        self._headers: Mapping[str, str] = {}
        self._origin = self  # whose connections are used: those of the exchange that this is a view of
        self._wait_sec, self._timeout_sec = settings.number("es.wait.sec"), settings.number("es.timeout.sec")
        self._announcer = Announcer(say)
        self._sleep, self._monotonic, self._reopen = sleep, monotonic, reopen
        self._out_at: float | None = None  # when it was away last
        self.outages = 0  # how often it was away: what was known of the server before may no longer hold

    def with_headers(self, headers: Mapping[str, str]) -> Exchange:
        """The same connections; every request carries `headers`, which win over the client's own. Costs nothing."""
        view = copy.copy(self)
        view._headers = {**self._headers, **headers}
        return view

    @property
    def own(self) -> Exchange:
        """The exchange itself, where this is a view of it: asks with the client's own credentials."""
        return self._origin

    def patience(self) -> Patience:
        """Waiting for one call, at most es.wait.sec in all."""
        return Patience(self.place, self._wait_sec, self._announcer, sleep=self._sleep, monotonic=self._monotonic)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: dict[str, Any] | None = None,
        allow: tuple[int, ...] = (),
        patience: Patience | None = None,
        writes: bool = False,
        again: Callable[[Patience], None] | None = None,
        content: str = JSON,
    ) -> Any:
        """Parsed answer. Statuses in `allow` are answers too (`ApiError.body`), other refusals raise:

        StoreUnavailable (away longer than es.wait.sec), ConflictError (409), StoreRefused, OperatorError.
        `body` may be a function that gives it, called for every try. `writes`: may be sent again after a time-out however
        often, since its effect is the same. `again` is called before it is sent again: the server may have come back as
        another one. Who passes `patience` says when it is over.
        """
        own, patience = patience is None, patience or self.patience()
        timeouts = tries = 0
        while True:
            if tries and again is not None:
                again(patience)
            tries += 1
            try:
                answer = self._send(method, path, body() if callable(body) else body, params, content)
            except ApiError as error:
                if error.meta.status in allow:
                    answer = error.body
                else:
                    self._wait_or_raise(error, patience, f"{method} {path}")
                    continue
            except ConnectionTimeout as error:
                timeouts += 1
                # Who waits less than a time-out, as a page does, has no second try.
                last = timeouts >= _TIMEOUT_TRIES or self._timeout_sec >= self._wait_sec
                if not writes and last and self._alive():
                    raise TooSlow(
                        "no answer in time, while Elasticsearch itself is well",
                        where=f"{self.place}: {method} {path}",
                        remedy="ask for less at once, or raise es.timeout.sec",
                    ) from error
                self._away("does not answer in time", patience, spent=self._timeout_sec)
                continue
            except TransportError as error:
                self._transport(error, patience)
                continue
            if own:
                patience.over()
            return answer

    def _send(self, method: str, path: str, body: Any, params: dict[str, Any] | None, content: str) -> Any:
        headers = {"accept": JSON} if body is None else {"accept": JSON, "content-type": content}
        headers |= self._headers
        return self._origin._client.perform_request(method, path, params=params, headers=headers, body=body).body

    def _wait_or_raise(self, error: ApiError, patience: Patience, where: str) -> None:
        status, kind, reason = error.meta.status, *cause(error.body)
        if isinstance(error, UnsupportedProductError) or status == 406 or kind == "media_type_header_exception":
            raise OperatorError(
                f"what answers is not Elasticsearch 8.19 or later ({status} {reason})".rstrip(),
                where=self.place,
                remedy="point ES_URL at an Elasticsearch 8.19 or later",
            ) from error
        if kind == "cluster_block_exception" and status != 503:
            patience.pause(f"takes no writes: {reason}", remedy=READ_ONLY)
        elif status in _BUSY and not _hopeless(error.body):
            within = _TOO_LARGE_SEC if kind == "circuit_breaking_exception" else None
            remedy = "ask for less at once, or give Elasticsearch more memory" if within else AWAY
            if status != 429:
                self._note_outage()
            patience.pause(f"{_BUSY_WORDS[status]}: {reason}", remedy=remedy, at_once=status != 429, within=within)
        elif status == 401 and self._recovers():
            # Users are kept in an index of its own, which a node that comes back has to open first.
            patience.pause("does not know its users yet", remedy=AWAY, within=_USERS_SEC)
        elif status == 409:
            raise ConflictError(reason, where=where, remedy="read it again and decide anew") from error
        else:
            raise _refusal(error, status, reason, where, self.place) from error

    def _transport(self, error: TransportError, patience: Patience) -> None:
        if isinstance(error, TlsError):
            raise OperatorError(
                f"no trusted connection: {_first_line(error)}",
                where=self.place,
                remedy="name the authority that signed the server's certificate in ES_CA",
            ) from error
        if isinstance(error, SerializationError):
            if error.message.startswith("Unable to serialize"):
                raise InternalError(error.message[:500], where=self.place) from error
            raise OperatorError(
                f"what answers is not Elasticsearch ({error.message[:100]})", where=self.place, remedy="check ES_URL"
            ) from error
        self._away(f"does not answer ({_first_line(error)})", patience)

    def _note_outage(self) -> None:
        self._origin.outages += 1
        self._origin._out_at = self._monotonic()

    def _recovers(self) -> bool:
        """It was away a moment ago."""
        out_at = self._origin._out_at
        return out_at is not None and self._monotonic() - out_at < _USERS_SEC

    def _away(self, reason: str, patience: Patience, spent: float = 0.0) -> None:
        self._note_outage()
        patience.pause(reason, remedy=AWAY, spent=spent)
        if self._reopen is None:
            return
        try:
            client, place = self._reopen()
        except StoreUnavailable:
            return  # not back yet: the next try says so again
        if place != self._origin.place:
            self._origin._client, self._origin.place = client, place

    def close(self) -> None:
        self._client.close()

    def _alive(self) -> bool:
        client = self._origin._client.options(request_timeout=max(1.0, min(_ALIVE_SEC, self._wait_sec)))
        try:
            client.perform_request("GET", "/", headers={"accept": JSON})
        except (TransportError, ApiError):
            return False
        return True


def path_of(*parts: str) -> str:
    """`/a/b`, each part escaped, commas kept (several index names)."""
    return "/" + "/".join(quote(part, safe=",*") for part in parts)


def cause(body: Any) -> tuple[str, str]:
    """Type and words of an error answer, whatever its shape."""
    error = body.get("error") if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return "", str(error)[:500]
    deepest = error
    while isinstance(deepest.get("caused_by"), dict):
        deepest = deepest["caused_by"]
    reason = str(error.get("reason") or error.get("type"))
    last = str(deepest.get("reason") or "")
    return str(error.get("type", "")), reason if last in reason else f"{reason} ({last})"


def _hopeless(body: Any) -> bool:
    """Elasticsearch would refuse the same request again: it is larger than all the memory it may take."""
    error = body.get("error") if isinstance(body, dict) else None
    while isinstance(error, dict):
        if error.get("durability") == "PERMANENT":
            return True
        error = error.get("caused_by")
    return False


def _refusal(error: ApiError, status: int, reason: str, where: str, place: str) -> OperatorError:
    remedies = {
        401: "check ES_API_KEY, or ES_USER and ES_PASSWORD",
        403: "give this user or API key the right that is named, or use another",
        413: "send less at once: a smaller ingest.chunk.lines",
    }
    what = {401: "Elasticsearch does not know this user, key or password"}.get(
        status, f"Elasticsearch refuses: {reason}"
    )
    refused = StoreRefused(what, where=f"{place}: {where}", remedy=remedies.get(status, ""))
    refused.status = status
    return refused


def _first_line(error: TransportError) -> str:
    """The last part of the client's sentence, which says it: `[Errno 111] Connection refused`."""
    text = str(error.message).strip() or type(error).__name__
    return text.splitlines()[0].rpartition(": ")[2][:200]
