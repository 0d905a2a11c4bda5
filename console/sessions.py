"""Who is signed in: sessions in this process's memory, bounded, expiring. A restart signs everybody out."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from console.profiles import Profile

COOKIE = "busyhour_session"
MOST = 10_000  # sessions kept; the longest unused one goes first
MOST_EACH = 20  # of one person
IDLE = timedelta(hours=1)  # OWASP ASVS 5 7.3.1: an inactivity limit
_TOKEN_BYTES = 32


@dataclass(slots=True)
class Session:
    """`csrf`: what a form of this session has to carry. `profile`: what the person chose."""

    username: str
    csrf: str
    started: datetime
    used: datetime
    address: str
    profile: Profile
    granted: dict[str, tuple[datetime, bool]] = field(default_factory=dict)  # for menus only: what was allowed, when

    def accepts(self, token: str) -> bool:
        return hmac.compare_digest(self.csrf.encode(), token.encode("utf-8", "replace"))


class Sessions:
    """Safe for threads. `longest`: from sign-in to the end, whatever happens."""

    def __init__(self, clock: Callable[[], datetime], longest: timedelta) -> None:
        self._clock, self._longest = clock, longest
        self._lock = threading.Lock()
        self._by_token: OrderedDict[str, Session] = OrderedDict()

    def open(self, profile: Profile, address: str = "") -> tuple[str, Session]:
        """A new session and the token of its cookie, always a fresh one (no session fixation)."""
        now, username = self._clock(), profile.username
        session = Session(username, secrets.token_urlsafe(_TOKEN_BYTES), now, now, address, profile)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._lock:
            self._drop_old(now)
            own = [key for key, other in self._by_token.items() if other.username == username]
            for key in own[: max(0, len(own) - MOST_EACH + 1)]:
                del self._by_token[key]
            while len(self._by_token) >= MOST:
                self._by_token.popitem(last=False)
            self._by_token[token] = session
        return token, session

    def find(self, token: str) -> Session | None:
        """The session, None when there is none or it expired. Using it keeps it alive up to the longest time."""
        now = self._clock()
        with self._lock:
            session = self._by_token.get(token)
            if session is None:
                return None
            if self._over(session, now):
                del self._by_token[token]
                return None
            session.used = now
            self._by_token.move_to_end(token)
            return session

    def peek(self, token: str) -> Session | None:
        """As `find`, without keeping it alive: a page that renews itself is nobody's activity."""
        with self._lock:
            session = self._by_token.get(token)
            return None if session is None or self._over(session, self._clock()) else session

    def close(self, token: str) -> None:
        with self._lock:
            self._by_token.pop(token, None)

    def close_all_of(self, username: str) -> int:
        """Signs a person out everywhere; how many sessions that were."""
        with self._lock:
            own = [key for key, session in self._by_token.items() if session.username == username]
            for key in own:
                del self._by_token[key]
        return len(own)

    def renew(self, profile: Profile) -> None:
        """What a person chose, in all their sessions."""
        with self._lock:
            for session in self._by_token.values():
                if session.username == profile.username:
                    session.profile = profile

    def __len__(self) -> int:
        return len(self._by_token)

    def _over(self, session: Session, now: datetime) -> bool:
        return now - session.used > IDLE or now - session.started > self._longest

    def _drop_old(self, now: datetime) -> None:
        # In the order of their last use: the first one that lives ends the search, but for those past the longest time.
        for key in [key for key, session in self._by_token.items() if self._over(session, now)]:
            del self._by_token[key]
