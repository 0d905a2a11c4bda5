"""The desk's jobs and commands, killed at each of their writes: the same again makes it whole, and nothing is doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from alerting import TicketRequest
from infrastructure.store import Store
from servicedesk import AlertTickets, TicketDesk
from servicedesk.escalation import escalate
from servicedesk.relations import merge, set_parent, settle_children, split

LONG_AGO = datetime(2026, 1, 5, 8, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WRITES = ("modify", "bulk")
Killed = Callable[[int, bool, Callable[[], Any]], bool]


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Killed:
    """Runs something that dies at its write number `cut`, before it or `after` it; whether it died."""

    def run(cut: int, after: bool, work: Callable[[], Any]) -> bool:
        count = Counter[str]()

        def dying(real: Callable[..., Any]) -> Callable[..., Any]:
            def write(*args: Any, **named: Any) -> Any:
                count["writes"] += 1
                if count["writes"] > cut or (count["writes"] == cut and not after):
                    raise KeyboardInterrupt
                answer = real(*args, **named)
                if count["writes"] == cut:
                    raise KeyboardInterrupt
                return answer

            return write

        with monkeypatch.context() as patch:
            for name in WRITES:
                patch.setattr(Store, name, dying(getattr(Store, name)))
            try:
                work()
            except KeyboardInterrupt:
                return True
        return False

    return run


def cuts(most: int) -> Iterator[tuple[int, bool, str]]:
    """Where to die, and a name for the tickets of that try."""
    for cut in range(1, most + 1):
        for after in (False, True):
            yield cut, after, f"{cut}{'after' if after else 'before'}"


def made(desk: TicketDesk, name: str, **more: Any) -> str:
    return desk.create(name, title=name, body="b", priority="low", by="ann", at=LONG_AGO, **more).id


def changes(desk: TicketDesk, key: str) -> list[Any]:
    return [entry["what"] for entry in desk.get(key).history]


def test_merge_is_whole_after_the_same_command(desk: TicketDesk, killed: Killed) -> None:
    for cut, after, name in cuts(3):
        gone, into = made(desk, f"{name} gone", customers=["C1"]), made(desk, f"{name} into", customers=["C2"])
        child = made(desk, f"{name} child")
        set_parent(desk, child, gone, by="ann")
        assert killed(cut, after, partial(merge, desk, gone, into, by="ann"))
        for _ in range(2):
            assert merge(desk, gone, into, by="ann").id == into
        first, second = desk.get(gone), desk.get(into)
        assert (first.merged_into, first.state) == (into, "closed")
        assert (desk.get(child).parent, desk.get(child).state) == (into, "new")  # its cause is not over
        assert second.customer_ids == ("C2", "C1")
        assert [str(entry.get("notification")) for entry in second.history].count(f"merge:{gone}") == 1
        assert changes(desk, gone).count("state") == 1
    late, gone, into = (made(desk, name) for name in ("late child", "late gone", "late into"))
    set_parent(desk, late, gone, by="ann")
    assert killed(2, True, partial(merge, desk, gone, into, by="ann"))
    settle_children(desk)  # nobody gives the command again: the desk's job does the rest
    assert (desk.get(late).parent, desk.get(late).state) == (into, "new")


def test_split_is_whole_after_the_same_command(desk: TicketDesk, killed: Killed) -> None:
    for cut, after, name in cuts(3):
        key, title = made(desk, name), f"part of {name}"
        assert killed(cut, after, partial(split, desk, key, title=title, body="b", by="ann"))
        parts = {split(desk, key, title=title, body="b", by="ann").id for _ in range(2)}
        (part,) = parts
        assert (desk.get(part).links, desk.get(key).links) == ((f"split_from:{key}",), (f"split_into:{part}",))
    assert len(desk.list()) == 12


def test_escalation_tells_each_ticket_once(store: Store, desk: TicketDesk, killed: Killed) -> None:
    for cut, after, name in cuts(2):
        keys = [made(desk, f"{name} {number}") for number in range(2)]
        assert killed(cut, after, partial(escalate, store, now=NOW))
        for _ in range(2):
            escalate(store, now=NOW)
        assert [changes(desk, key).count("escalation") for key in keys] == [1, 1]


def test_children_are_resolved_once_when_the_resolution_of_their_parent_was_killed(
    desk: TicketDesk, killed: Killed
) -> None:
    for cut, after, name in cuts(3):
        parent, *children = (made(desk, f"{name} {each}") for each in "pab")
        for child in children:
            set_parent(desk, child, parent, by="ann")
        desk.assign(parent, "bob", by="ann")
        assert killed(cut, after, partial(desk.resolve, parent, by="bob", comment="done"))
        if desk.get(parent).state != "resolved":  # killed before anything was written: bob does it again
            desk.resolve(parent, by="bob", comment="done")
        for _ in range(2):
            settle_children(desk)
        for child in children:
            assert desk.get(child).state == "resolved"
            assert [entry.get("to") for entry in desk.get(child).history].count("resolved") == 1


def test_ticket_of_an_alert_is_there_once(
    desk: TicketDesk, opener: AlertTickets, request_for: Callable[..., TicketRequest], killed: Killed
) -> None:
    def both(f: str) -> None:
        opener.open_for_alert(request_for(f))
        opener.resolve_for_alert(request_for(f, at=30, event="resolved"))

    for cut, after, name in cuts(2):
        assert killed(cut, after, partial(both, name))
        both(name)
        both(name)
        (ticket,) = desk.list(fingerprint=name)
        assert ticket.state == "resolved"
        assert changes(desk, ticket.id) == ["created", "state", "state"]
