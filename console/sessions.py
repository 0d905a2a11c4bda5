"""Who is signed in: sessions kept in the store, so that every console of one Elasticsearch knows them; bounded, expiring.

The store has the SHA-256 of a cookie's token and never the token: who reads the index cannot sign in with it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from console.gathered import Gathered
from console.profiles import Profile, read_profile
from contracts.clock import iso, parse_iso
from contracts.errors import ConflictError, StoreRefused
from contracts.indices import concrete
from infrastructure import guarded
from infrastructure.store import Operation, Store
from infrastructure.versioned import Versioned, versioned

COOKIE = "busyhour_session"
INDEX = "console-session"
MOST = 10_000  # sessions kept; the longest unused one goes first
MOST_EACH = 20  # of one person
IDLE = timedelta(hours=1)  # OWASP ASVS 5 7.3.1: an inactivity limit
_USED_EVERY = timedelta(minutes=1)  # how often a use is written down: not each of a page's requests
_TOKEN_BYTES = 32
_LONGEST_TOKEN = 100
_DROPS = 500  # sessions removed at once
_TRIES = 5

Granted = dict[str, tuple[datetime, bool]]
_Place = tuple[str, str]  # index and id


@dataclass(slots=True)
class Session:
    """`csrf`: what a form of this session has to carry. `profile`: what the person chose."""

    username: str
    csrf: str
    started: datetime
    used: datetime
    address: str
    profile: Profile
    granted: Granted = field(default_factory=dict)  # for menus only: what was allowed, when

    def accepts(self, token: str) -> bool:
        return hmac.compare_digest(self.csrf.encode(), token.encode("utf-8", "replace"))


class Sessions:
    """`store`: the console's own. Safe for threads and for several consoles. `longest`: from sign-in to the end.

    Everything raises StoreUnavailable while Elasticsearch is away.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime], longest: timedelta) -> None:
        self._store, self._clock, self._longest = store, clock, longest
        self._lock = threading.Lock()
        # Whose a session is never changes, so that session and profile are one question; what a menu showed is a hint.
        self._met: OrderedDict[str, tuple[str, Granted]] = OrderedDict()
        self._gathered: Gathered[str, _Place, Versioned | None] = Gathered(1, self._ask)
        self._uses: Gathered[str, bytes, bool] = Gathered(1, self._write_uses)

    def open(self, profile: Profile, address: str = "") -> tuple[str, Session]:
        """A new session and the token of its cookie, always a fresh one (no session fixation)."""
        now, username = self._clock(), profile.username
        self._store.refresh(INDEX)
        self._drop_old(now)
        self._drop_beyond({"term": {"user.name": username}}, MOST_EACH - 1)
        self._drop_beyond({"match_all": {}}, MOST - 1)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        session = Session(username, _csrf(token), now, now, address, profile)
        self._store.write_all([Operation("create", self._store.place(INDEX), _key(token), _document(session))])
        self._remember(_key(token), username)
        return token, session

    def find(self, token: str) -> Session | None:
        """The session, None when there is none or it expired. Using it keeps it alive up to the longest time."""
        found = self._read(token)
        if found is None:
            return None
        stored, session = found
        now = self._clock()
        if self._over(session, now):
            self._drop(stored)
            return None
        if now - session.used > _USED_EVERY:
            session = replace(session, used=now)
            use = guarded.replace(stored, _document(session))
            if not self._uses.get("", [use])[use]:
                # Another request wrote down its use, or the person signed out: read what is there now.
                again = self._read(token)
                return again[1] if again and not self._over(again[1], now) else None
        return session

    def peek(self, token: str) -> Session | None:
        """As `find`, without keeping it alive: a page that renews itself is nobody's activity."""
        found = self._read(token)
        return None if found is None or self._over(found[1], self._clock()) else found[1]

    def close(self, token: str) -> None:
        """Ends it in every console. Raises ConflictError when it is used too often meanwhile."""
        for _ in range(_TRIES):
            found = self._read(token)
            if found is None or self._drop(found[0]):
                return
        raise ConflictError("this session is used meanwhile", remedy="try again")

    def close_all_of(self, username: str) -> int:
        """Signs a person out everywhere; how many sessions that were."""
        self._store.refresh(INDEX)
        query = {"term": {"user.name": username}}
        ended = 0
        while found := self._search(query, _DROPS):
            ended += sum(self._drop_surely(each) for each in found)
            self._store.refresh(INDEX)
        return ended

    def count(self) -> int:
        """Sessions kept, expired ones that nobody dropped yet among them."""
        return self._store.count(INDEX)

    def _read(self, token: str) -> tuple[Versioned, Session] | None:
        if not 0 < len(token) <= _LONGEST_TOKEN:
            return None
        key = _key(token)
        with self._lock:
            met = self._met.get(key)
        if met is None:
            (stored,) = self._now((INDEX, key))
            if stored is None:
                return None
            met = self._remember(key, stored.source["user"]["name"])
            (profile,) = self._now(("profile", met[0]))
        else:
            stored, profile = self._now((INDEX, key), ("profile", met[0]))
            if stored is None:
                return None
        return stored, _session(stored.source, profile.source if profile else {}, _csrf(token), met[1])

    def _now(self, *places: _Place) -> list[Versioned | None]:
        """Documents as they are now, in one question with those of whoever else asks."""
        found = self._gathered.get("", places)
        return [found[place] for place in places]

    def _ask(self, group: str, places: Sequence[_Place]) -> dict[_Place, Versioned | None]:
        rows = self._store.read_back([(concrete(name), key) for name, key in places])
        return dict(zip(places, rows, strict=True))

    def _write_uses(self, group: str, uses: Sequence[bytes]) -> dict[bytes, bool]:
        """Which of them were written: not those of sessions that changed meanwhile."""
        results = self._store.bulk_texts(uses)
        for result in results:
            if result.refused:
                raise StoreRefused(f"document refused: {result.error}", where=INDEX)
        return {use: result.created for use, result in zip(uses, results, strict=True)}

    def _remember(self, key: str, username: str) -> tuple[str, Granted]:
        with self._lock:
            met = self._met.setdefault(key, (username, {}))
            while len(self._met) > MOST:
                self._met.popitem(last=False)
        return met

    def _over(self, session: Session, now: datetime) -> bool:
        return now - session.used > IDLE or now - session.started > self._longest

    def _drop_old(self, now: datetime) -> None:
        unused = {"range": {"session.used": {"lt": iso(now - IDLE)}}}
        old = {"range": {"session.started": {"lt": iso(now - self._longest)}}}
        for each in self._search({"bool": {"should": [unused, old]}}, _DROPS):
            self._drop(each)

    def _drop_beyond(self, query: Mapping[str, Any], most: int) -> None:
        """Drops the longest unused of those that match, so that `most` are left."""
        beyond = self._store.count(INDEX, query) - most
        for each in self._search(query, min(beyond, _DROPS)) if beyond > 0 else ():
            self._drop(each)

    def _search(self, query: Mapping[str, Any], most: int) -> list[Versioned]:
        """The longest unused first."""
        order = [{"session.used": "asc"}, {"session.started": "asc"}]
        answer = self._store.search(INDEX, query=dict(query), size=most, sort=order, seq_no_primary_term=True)
        return [versioned(hit) for hit in answer["hits"]["hits"]]

    def _drop(self, stored: Versioned) -> bool:
        """False when it was used meanwhile."""
        try:
            guarded.remove(self._store, stored)
        except ConflictError:
            return False
        return True

    def _drop_surely(self, stored: Versioned) -> bool:
        """However often it is used meanwhile; False when it was gone. Raises ConflictError when that never ends."""
        current: Versioned | None = stored
        for _ in range(_TRIES):
            if current is None or self._drop(current):
                return current is not None
            current = self._store.get(INDEX, stored.id)
        raise ConflictError("a session is used meanwhile", remedy="try again")


def _key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _csrf(token: str) -> str:
    """Made from the cookie's token, so that it is stored nowhere; the token cannot be told from it."""
    return hmac.new(token.encode("utf-8", "replace"), b"form", hashlib.sha256).hexdigest()


def _document(session: Session) -> dict[str, Any]:
    return {
        "event": {"ingested": iso(session.used)},
        "user": {"name": session.username, "full_name": session.profile.name},
        "session": {"started": iso(session.started), "used": iso(session.used), "address": session.address},
    }


def _session(source: Mapping[str, Any], profile: Mapping[str, Any], csrf: str, granted: Granted) -> Session:
    user, kept = source["user"], source["session"]
    chosen = read_profile(user["name"], profile)
    named = chosen if chosen.name else replace(chosen, name=user["full_name"])
    started, used = parse_iso(kept["started"]), parse_iso(kept["used"])
    return Session(user["name"], csrf, started, used, kept["address"], named, granted)
