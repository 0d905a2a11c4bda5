"""Staff as users of Elasticsearch's native realm: made, listed, given roles, disabled. Wants the right `manage_security`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contracts.errors import UserError
from infrastructure.exchange import path_of
from infrastructure.roles import ADMINISTRATOR, staff_roles
from infrastructure.store import Store

LEAST_PASSWORD = (
    12  # characters; NIST SP 800-63B-4 asks for 15 where a password stands alone and for 8 beside a second factor
)
MOST_PASSWORD = 128
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class StaffUser:
    """A person's account. `roles`: ours and others."""

    username: str
    name: str
    roles: tuple[str, ...]
    enabled: bool

    @property
    def is_administrator(self) -> bool:
        return self.enabled and ADMINISTRATOR in self.roles


def list_users(store: Store) -> list[StaffUser]:
    """Everybody with a role of ours, by name."""
    answer = store.exchange.ask("GET", "/_security/user")
    users = [_user(row) for row in answer.values()]
    return sorted((user for user in users if set(user.roles) & set(staff_roles())), key=lambda user: user.username)


def find_user(store: Store, username: str) -> StaffUser:
    """Raises UserError when there is no such account."""
    answer = store.exchange.ask("GET", path_of("_security", "user", username), allow=(404,))
    if username not in answer:
        raise UserError(f"there is no user {username}", remedy="see `busyhour user list`")
    return _user(answer[username])


def create_user(store: Store, username: str, password: str, roles: Sequence[str], *, name: str = "") -> StaffUser:
    """A new account. Raises UserError on a name in use, an unknown role or a weak password."""
    if not _NAME.fullmatch(username) or username.startswith("busyhour_"):
        raise UserError(
            f"{username[:70]!r} cannot be a user name",
            remedy="1 to 64 letters, digits and . _ @ -, beginning with a letter or digit, not with busyhour_",
        )
    check_roles(roles)
    check_password(username, password)
    path = path_of("_security", "user", username)
    if username in store.exchange.ask("GET", path, allow=(404,)):
        raise UserError(f"there is a user {username} already", remedy="give them roles, or choose another name")
    body = {"password": password, "roles": list(roles), "full_name": name or username, "enabled": True}
    store.exchange.ask("PUT", path, body)
    return find_user(store, username)


def set_roles(store: Store, username: str, roles: Sequence[str]) -> StaffUser:
    """Replaces the roles that are ours; other roles stay. Raises UserError when nobody would be left to manage users."""
    check_roles(roles)
    user = find_user(store, username)
    if ADMINISTRATOR not in roles:
        _keep_one_administrator(store, user)
    others = [role for role in user.roles if role not in staff_roles()]
    body = {"roles": [*others, *roles], "full_name": user.name, "enabled": user.enabled}
    store.exchange.ask("PUT", path_of("_security", "user", username), body)
    return find_user(store, username)


def set_enabled(store: Store, username: str, enabled: bool) -> StaffUser:
    """A disabled account can do nothing, and keeps its name in what it did."""
    user = find_user(store, username)
    if not set(user.roles) & set(staff_roles()):
        raise UserError(f"{username} has none of our roles", remedy="manage it where it was made")
    if not enabled:
        _keep_one_administrator(store, user)
    store.exchange.ask("PUT", path_of("_security", "user", username, "_enable" if enabled else "_disable"))
    return find_user(store, username)


def set_password(store: Store, username: str, password: str) -> None:
    """Raises UserError on a weak one, or when there is no such user."""
    check_password(username, password)
    find_user(store, username)
    store.exchange.ask("POST", path_of("_security", "user", username, "_password"), {"password": password})


def check_roles(roles: Sequence[str]) -> None:
    """Raises UserError on a role that is none of ours."""
    known = staff_roles()
    wrong = [role for role in roles if role not in known]
    if wrong or not roles:
        what = f"{wrong[0]!r} is no role of ours" if wrong else "no role is given"
        raise UserError(what, remedy=f"the roles are {', '.join(known)}")


def check_password(username: str, password: str) -> None:
    """Length counts, not signs (NIST SP 800-63B-4). Raises UserError without repeating the password."""
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise UserError(f"a password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters, this one has {len(password)}")
    if username.lower() in password.lower() or len(set(password)) < 5:
        raise UserError("this password is easily guessed", remedy="take several words that have nothing to do with you")


def has_administrator(store: Store) -> bool:
    return any(user.is_administrator for user in list_users(store))


def _keep_one_administrator(store: Store, user: StaffUser) -> None:
    rest = [each for each in list_users(store) if each.is_administrator and each.username != user.username]
    if user.is_administrator and not rest:
        raise UserError(f"{user.username} is the only administrator", remedy="make another one first")


def _user(row: dict[str, Any]) -> StaffUser:
    return StaffUser(row["username"], row.get("full_name") or row["username"], tuple(row["roles"]), row["enabled"])
