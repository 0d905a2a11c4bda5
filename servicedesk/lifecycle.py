"""The life of a ticket. Pure: a ticket's document in, a changed copy out, every change in its history.

    new → open → resolved → closed          resolved → open: reopened
           ↕                                closed is final
        pending

`pending` waits for somebody outside the desk (a customer, a supplier): nothing but a person takes a ticket out of it.
`ticket.history` is a list of JSON texts: `at`, `by`, `what` (created, state, assignee, priority, impact, comment),
`from`, `to`, `comment`, and `notification` where an alert made the change.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from contracts.clock import iso
from contracts.errors import UserError

Document = dict[str, Any]

STATES = ("new", "open", "pending", "resolved", "closed")
TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    "new": ("open",),
    "open": ("pending", "resolved"),
    "pending": ("open",),
    "resolved": ("open", "closed"),
    "closed": (),
}


def history(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Changes of a ticket, oldest first."""
    return [orjson.loads(entry) for entry in source["ticket"]["history"]]


def state_of(source: Mapping[str, Any]) -> str:
    return str(source["ticket"]["state"])


def check_state(state: str) -> str:
    """Raises UserError with the nearest right word."""
    if state in STATES:
        return state
    close = difflib.get_close_matches(state, STATES, n=1)
    near = f"; did you mean {close[0]}?" if close else ""
    raise UserError(f"{state!r} is no state of a ticket{near}", remedy=f"one of {', '.join(STATES)}")


def changed(
    source: Document, at: datetime, by: str, what: str, *, comment: str = "", notification: str = "", **values: Any
) -> Document:
    """A copy with fields of `ticket` set, the change in its history; `was`/`to` are taken from the one field that is set."""
    ticket = source["ticket"]
    entry: dict[str, Any] = {"at": iso(at), "by": by, "what": what}
    for name, value in values.items():
        entry |= {"from": ticket.get(name, ""), "to": value}
    entry |= {"comment": comment} if comment else {}
    entry |= {"notification": notification} if notification else {}
    kept = [*ticket.get("history", []), orjson.dumps(entry).decode()]
    return {**source, "ticket": {**ticket, **values, "updated": iso(at), "history": kept}}


def moved(source: Document, to: str, at: datetime, by: str, comment: str = "", notification: str = "") -> Document:
    """The ticket in another state. Raises UserError where the life cycle has no such step."""
    now = state_of(source)
    if check_state(to) not in TRANSITIONS[now]:
        allowed = " or ".join(TRANSITIONS[now]) or "nothing: closed is final, open a new ticket"
        raise UserError(
            f"a ticket that is {now} cannot become {to}",
            where=str(source["ticket"]["id"]),
            remedy=f"from {now} it goes to {allowed}",
        )
    after = changed(source, at, by, "state", comment=comment, notification=notification, state=to)
    ticket = {key: value for key, value in after["ticket"].items() if key != "resolved" or to != "open"}
    return {**after, "ticket": ticket | ({"resolved": iso(at)} if to == "resolved" else {})}


def noted(source: Document, at: datetime, by: str, comment: str, notification: str = "") -> Document:
    """The ticket with a comment. Raises UserError on a closed ticket or an empty comment."""
    _not_closed(source)
    if not comment.strip():
        raise UserError("the comment is empty", where=str(source["ticket"]["id"]))
    return changed(source, at, by, "comment", comment=comment, notification=notification)


def assigned(source: Document, to: str, at: datetime, by: str, comment: str = "") -> Document:
    """The ticket in somebody's hands; one that was new is open by that. Raises UserError on a closed ticket."""
    _not_closed(source)
    after = changed(source, at, by, "assignee", comment=comment, assignee=to)
    return moved(after, "open", at, by) if state_of(source) == "new" else after


def told_by(source: Mapping[str, Any], notification: str) -> bool:
    """Whether a notification made its change already."""
    return any(entry.get("notification") == notification for entry in history(source))


def _not_closed(source: Mapping[str, Any]) -> None:
    if state_of(source) == "closed":
        raise UserError("it is closed, which is final", where=str(source["ticket"]["id"]), remedy="open a new ticket")
