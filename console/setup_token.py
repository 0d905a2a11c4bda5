"""The first administrator: a link that works once, for an hour, printed by `busyhour serve`. There is no default password."""

from __future__ import annotations

import hmac
import secrets
import threading
from datetime import timedelta

from console.errors import Denied
from contracts.clock import Clock
from infrastructure.roles import ADMINISTRATOR
from infrastructure.store import Store
from infrastructure.users import StaffUser, create_user, has_administrator

VALID = timedelta(hours=1)


class SetupToken:
    """`store`: of an account that may make users; it is let go after the first use."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store: Store | None = store
        self._clock = clock
        self._until = clock() + VALID
        self._lock = threading.Lock()
        self.token = secrets.token_urlsafe(32)

    def check(self, token: str) -> Store:
        """The store to make the administrator with. Raises Denied when the token is wrong, used or too old."""
        right = hmac.compare_digest(self.token.encode(), token.encode("utf-8", "replace"))
        if self._store is None or not right or self._clock() > self._until:
            raise Denied("this link was used, or is too old", remedy="start `busyhour serve` again for a new one")
        return self._store

    def use(self, token: str, username: str, password: str, name: str) -> StaffUser:
        """Makes the administrator. Raises Denied as `check` does, and when there is an administrator by now; UserError."""
        with self._lock:
            store = self.check(token)
            if has_administrator(store):
                self._store = None
                raise Denied("there is an administrator already", remedy="ask them for an account")
            made = create_user(store, username, password, [ADMINISTRATOR], name=name)
            self._store = None
            return made
