"""The life of a ticket. Pure: a ticket's document in, a changed copy out, every change in its history.

    new → open → resolved → closed          resolved → open: reopened
           ↕                                closed is final
        pending

These are types of state. States have names of their own (states.yml); each is of one type, and some may be entered from
more types than the picture shows (cancelled, rejected, merged). `pending` waits for somebody outside the desk (a customer,
a supplier): nothing but a person takes a ticket out of it.
`ticket.history` is a list of JSON texts: `at`, `by`, `what` (created, state, status, assignee, priority, impact, comment,
tags, parent, link, split, attachment, escalation …), `from`, `to`, `comment`, `status` where the state's own name says more
than its type, and `notification` where an alert or a message made the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from contracts.clock import iso
from contracts.errors import UserError
from servicedesk.states import TYPES, States, shipped

Document = dict[str, Any]

STATES = TYPES
BY = "busyhour"  # who makes the changes that nobody makes by hand
MOST_COMMENT = 100_000  # characters; more belongs into a file
MOST_CHANGES = 5_000  # of one ticket: its document stays one that can be read and written in a moment
_CLOSING = ("state", "status", "merged")


def history(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Changes of a ticket, oldest first."""
    return [orjson.loads(entry) for entry in source["ticket"]["history"]]


def state_of(source: Mapping[str, Any]) -> str:
    """Type of its state."""
    return str(source["ticket"]["state"])


def status_of(source: Mapping[str, Any]) -> str:
    """Key of its state; tickets of before states had names are in the usual one of their type."""
    return str(source["ticket"].get("status") or source["ticket"]["state"])


def check_state(state: str) -> str:
    """A type of state. Raises UserError with the nearest right word."""
    if state in STATES:
        return state
    found = shipped().find(state)
    return found.type


def changed(
    source: Document, at: datetime, by: str, what: str, *, comment: str = "", notification: str = "", **values: Any
) -> Document:
    """A copy with fields of `ticket` set, the change in its history; `was`/`to` are taken from the one field that is set.

    Raises UserError on a ticket that was changed MOST_CHANGES times, or a comment that is too long.
    """
    ticket = source["ticket"]
    entry: dict[str, Any] = {"at": iso(at), "by": by, "what": what}
    for name, value in values.items():
        entry |= {"from": ticket.get(name, ""), "to": value}
    return _kept(source, entry, at, values, comment, notification)


def _kept(
    source: Document, entry: dict[str, Any], at: datetime, values: Mapping[str, Any], comment: str, notification: str
) -> Document:
    """The change, in the history and among the words that are searched."""
    ticket = source["ticket"]
    done = ticket.get("history", [])
    if len(comment) > MOST_COMMENT:
        raise UserError(f"a comment has at most {MOST_COMMENT:,} characters", where=_id(source), remedy="attach a file")
    if len(done) >= MOST_CHANGES and entry["what"] not in _CLOSING:
        raise UserError(f"it was changed {MOST_CHANGES:,} times", where=_id(source), remedy="split it, or open another")
    entry |= {"comment": comment} if comment else {}
    entry |= {"notification": notification} if notification else {}
    words = {"words": [*ticket.get("words", []), comment]} if comment else {}
    return {
        **source,
        "ticket": {**ticket, **values, **words, "updated": iso(at), "history": [*done, orjson.dumps(entry).decode()]},
    }


def moved(
    source: Document,
    to: str,
    at: datetime,
    by: str,
    comment: str = "",
    notification: str = "",
    *,
    states: States | None = None,
) -> Document:
    """The ticket in another state, by its key or name. Raises UserError where the life cycle has no such step."""
    known = states or shipped()
    state, now, was = known.find(to), state_of(source), status_of(source)
    if state not in known.steps(now, was) and not (state.key == "merged" and now in state.enters):
        allowed = " or ".join(one.key for one in known.steps(now, was)) or "nothing: closed is final, open a new ticket"
        raise UserError(
            f"a ticket that is {was} cannot become {state.key}",
            where=_id(source),
            remedy=f"from {was} it goes to {allowed}",
        )
    entry: dict[str, Any] = {"at": iso(at), "by": by}
    if state.type == now:
        entry |= {"what": "status", "from": was, "to": state.key}
    else:
        entry |= {"what": "state", "from": now, "to": state.type}
        entry |= {"status": state.key} if state.key != state.type else {}
    after = _kept(source, entry, at, {"state": state.type, "status": state.key}, comment, notification)
    return _dated(_responded(after, at, by), now, at)


def _dated(after: Document, was: str, at: datetime) -> Document:
    """Times and counts that follow from the step."""
    ticket, state = dict(after["ticket"]), state_of(after)
    if state == "resolved":
        ticket["resolved"] = iso(at)
    elif state == "closed":
        ticket["closed"] = iso(at)
        ticket.setdefault("resolved", iso(at))
    elif was == "resolved":
        ticket.pop("resolved", None)
        ticket["reopened"] = ticket.get("reopened", 0) + 1
    return {**after, "ticket": ticket}


def noted(source: Document, at: datetime, by: str, comment: str, notification: str = "") -> Document:
    """The ticket with a comment. Raises UserError on a closed ticket or an empty comment."""
    not_closed(source)
    if not comment.strip():
        raise UserError("the comment is empty", where=_id(source))
    after = changed(source, at, by, "comment", comment=comment, notification=notification)
    return _responded(after, at, by)


def assigned(source: Document, to: str, at: datetime, by: str, comment: str = "") -> Document:
    """The ticket in somebody's hands; one that was new is open by that. Raises UserError on a closed ticket."""
    not_closed(source)
    after = changed(source, at, by, "assignee", comment=comment, assignee=to)
    return moved(after, "open", at, by) if state_of(source) == "new" else after


def is_agent(source: Mapping[str, Any], by: str) -> bool:
    """Whether a change was made by somebody of the desk, and neither by a customer nor by a job."""
    customers = source.get("customer", {}).get("id", [])
    return by != BY and by not in customers and "@" not in by and not by.startswith("+")


def _responded(after: Document, at: datetime, by: str) -> Document:
    """The first thing that somebody of the desk did about it is the first response."""
    if "responded" in after["ticket"] or not is_agent(after, by):
        return after
    return {**after, "ticket": {**after["ticket"], "responded": iso(at)}}


def told_by(source: Mapping[str, Any], notification: str) -> bool:
    """Whether a notification made its change already."""
    return any(entry.get("notification") == notification for entry in history(source))


def not_closed(source: Mapping[str, Any]) -> None:
    """Raises UserError on a closed ticket."""
    if state_of(source) == "closed":
        raise UserError("it is closed, which is final", where=_id(source), remedy="open a new ticket")


def _id(source: Mapping[str, Any]) -> str:
    return str(source["ticket"]["id"])
