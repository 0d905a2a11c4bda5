"""Tickets in a real Elasticsearch: opened once, changed by several at once, found again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerting import TicketRequest
from contracts.errors import ConflictError, UserError
from infrastructure.store import Store
from servicedesk import AlertTickets, Ticket, TicketDesk
from servicedesk import desk as desk_module
from servicedesk.relations import merge
from servicedesk.ticket import ids

Ask = Callable[..., TicketRequest]


def made(desk: TicketDesk, name: str = "one", **more: Any) -> Ticket:
    usual = {"title": f"Ticket {name}", "body": "It rains in", "priority": "low", "by": "ann"}
    return desk.create(name, **{**usual, **more})


def what(ticket: Ticket) -> list[tuple[str, str]]:
    return [(str(entry["what"]), str(entry.get("to", ""))) for entry in ticket.history]


def test_ticket_lives_and_keeps_its_history(desk: TicketDesk) -> None:
    key = made(desk).id
    desk.assign(key, "bob", by="ann")
    desk.transition(key, "pending", by="bob", comment="asked the carrier")
    desk.transition(key, "open", by="bob")
    desk.resolve(key, by="bob", comment="card changed")
    desk.transition(key, "open", by="ann", comment="not at all")
    desk.resolve(key, by="bob", comment="now it is")
    last = desk.close(key, by="ann")
    assert what(last) == [
        ("created", "new"),
        ("assignee", "bob"),
        ("state", "open"),
        ("state", "pending"),
        ("state", "open"),
        ("state", "resolved"),
        ("state", "open"),
        ("state", "resolved"),
        ("state", "closed"),
    ]
    assert desk.get(key) == last
    with pytest.raises(UserError, match="closed"):
        desk.comment(key, "one more thing", by="ann")


def test_ticket_is_there_once_when_it_is_created_twice(desk: TicketDesk, start: datetime) -> None:
    first, second = made(desk, at=start), made(desk, at=start)
    assert first == second
    assert len(desk.list()) == 1


def test_tickets_are_two_when_their_short_ids_are_the_same(
    desk: TicketDesk, start: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "ids", lambda opened, *_: ids(opened, "always the same"))
    first, second = made(desk, "a", at=start), made(desk, "b", at=start)
    assert second.id.startswith(first.id)
    assert second.id != first.id
    assert made(desk, "b", at=start) == second
    assert {one.title for one in desk.list()} == {"Ticket a", "Ticket b"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"priority": "urgent"}, "'urgent' is no priority"),
        ({"priority": ""}, "needs a priority"),
        ({"title": " "}, "needs a title"),
    ],
)
def test_ticket_is_refused_when_it_says_nothing(desk: TicketDesk, wrong: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        made(desk, **wrong)


def test_ticket_is_not_found_when_there_is_none(desk: TicketDesk) -> None:
    for ask in (lambda: desk.get("T-0"), lambda: desk.comment("T-0", "x", by="ann")):
        with pytest.raises(UserError, match="there is no ticket"):
            ask()


def test_second_agent_is_told_when_the_ticket_was_changed_since_it_was_read(desk: TicketDesk) -> None:
    key = made(desk).id
    seen_by_ann, seen_by_bob = desk.get(key), desk.get(key)
    desk.assign(key, "ann", by="ann", seen=seen_by_ann)
    with pytest.raises(ConflictError, match="ann changed it") as caught:
        desk.assign(key, "bob", by="bob", seen=seen_by_bob)
    assert "nothing was changed" in caught.value.remedy
    assert desk.get(key).assignee == "ann"
    assert desk.assign(key, "bob", by="bob", seen=desk.get(key)).assignee == "bob"


def test_comments_of_many_agents_at_once_are_all_kept(desk: TicketDesk) -> None:
    key = made(desk).id
    problems: list[BaseException] = []

    def talk(agent: int) -> None:
        try:
            for number in range(4):
                desk.comment(key, f"{agent}/{number}", by=f"agent{agent}")
        except (ConflictError, UserError) as error:  # pragma: no cover
            problems.append(error)

    threads = [threading.Thread(target=talk, args=(agent,)) for agent in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    comments = [str(entry["comment"]) for entry in desk.get(key).history if entry["what"] == "comment"]
    assert not problems
    assert sorted(comments) == sorted(f"{agent}/{number}" for agent in range(3) for number in range(4))


def test_step_is_judged_on_the_ticket_as_it_is_when_another_agent_was_faster(desk: TicketDesk) -> None:
    key = made(desk).id
    desk.assign(key, "ann", by="ann")
    desk.transition(key, "pending", by="ann")
    with pytest.raises(UserError, match="pending cannot become resolved"):
        desk.resolve(key, by="bob", comment="done")


def test_tickets_are_found_by_what_they_say_and_are(desk: TicketDesk, start: datetime) -> None:
    rain = made(desk, "rain", title="Rain in Berlin", body="the roof leaks", at=start)
    made(desk, "snow", title="Snow", body="no roof in Berlin", priority="high", at=start + timedelta(hours=1))
    desk.assign(rain.id, "bob", by="ann")
    assert [one.title for one in desk.list()] == ["Snow", "Rain in Berlin"]
    assert [one.title for one in desk.list(text="berlin")] == ["Rain in Berlin", "Snow"]
    assert [one.title for one in desk.list(text="roof leaks")] == ["Rain in Berlin"]
    assert [one.title for one in desk.list(states=["open"], assignee="bob")] == ["Rain in Berlin"]
    assert [one.title for one in desk.list(priority="high")] == ["Snow"]
    assert desk.list(limit=1)[0].title == "Snow"
    with pytest.raises(UserError, match="did you mean open"):
        desk.list(states=["opne"])


def test_alert_opens_one_ticket_and_resolves_it(opener: AlertTickets, desk: TicketDesk, request_for: Ask) -> None:
    fires, ends = request_for(), request_for(at=60, event="resolved", why="it is over")
    key = opener.open_for_alert(fires)
    assert opener.open_for_alert(fires) == key
    assert opener.resolve_for_alert(ends) == key
    assert opener.resolve_for_alert(ends) == key
    (ticket,) = desk.list()
    assert ticket.opened == fires.starts_at
    assert ticket.resolved == ends.at
    assert ticket.priority == "medium"
    assert what(ticket) == [("created", "new"), ("state", "open"), ("state", "resolved")]
    assert ticket.history[-1]["comment"] == (
        "incident-open resolved: it is over. Impacted customers: 0 (it is about no incident)."
    )


def test_ticket_is_reopened_when_the_same_thing_fires_again(
    opener: AlertTickets, desk: TicketDesk, request_for: Ask
) -> None:
    key = opener.open_for_alert(request_for())
    opener.resolve_for_alert(request_for(at=60, event="resolved"))
    again = request_for(begins=90, why="again")
    assert opener.open_for_alert(again) == opener.open_for_alert(again) == key
    assert desk.get(key).state == "open"
    assert opener.resolve_for_alert(request_for(begins=90, at=100, event="resolved")) == key
    ticket = desk.get(key)
    assert [to for _, to in what(ticket)] == ["new", "open", "resolved", "open", "resolved"]
    assert len(desk.list()) == 1


def test_ticket_is_a_new_one_when_the_old_one_is_closed(
    opener: AlertTickets, desk: TicketDesk, request_for: Ask
) -> None:
    first = opener.open_for_alert(request_for())
    opener.resolve_for_alert(request_for(at=60, event="resolved"))
    desk.close(first, by="ann")
    second = opener.open_for_alert(request_for(begins=90))
    assert second != first
    assert (
        opener.resolve_for_alert(request_for(at=60, event="resolved")) == first
    )  # told again after a crash: no change
    assert desk.get(first).state == "closed"
    assert desk.get(second).state == "new"


def test_ticket_that_waits_for_somebody_is_told_and_left_alone_when_the_alert_resolves(
    opener: AlertTickets, desk: TicketDesk, request_for: Ask
) -> None:
    key = opener.open_for_alert(request_for())
    desk.assign(key, "ann", by="ann")
    desk.transition(key, "pending", by="ann", comment="waiting for the carrier")
    opener.resolve_for_alert(request_for(at=60, event="resolved"))
    ticket = desk.get(key)
    assert ticket.state == "pending"
    assert str(ticket.history[-1]["comment"]).startswith("incident-open resolved")


def test_end_of_an_alert_is_told_to_the_ticket_that_its_own_was_merged_into(
    desk: TicketDesk, opener: AlertTickets, request_for: Callable[..., TicketRequest]
) -> None:
    own = opener.open_for_alert(request_for())
    other = desk.create("x", title="the same", body="", priority="low", by="ann").id
    merge(desk, own, other, by="ann")
    for _ in range(2):
        assert opener.resolve_for_alert(request_for(at=30, event="resolved")) == other
    goes_on = desk.get(other)
    assert goes_on.state == "new"
    assert sum("resolved" in str(entry.get("comment")) for entry in goes_on.history) == 1


def test_resolution_is_told_to_nobody_when_there_is_no_ticket(opener: AlertTickets, request_for: Ask) -> None:
    assert opener.resolve_for_alert(request_for(event="resolved")) == ""


def test_ticket_names_the_impacted_customers_and_follows_their_number(
    opener: AlertTickets,
    desk: TicketDesk,
    request_for: Ask,
    customers: Callable[[int], Any],
    records: Callable[..., None],
    incident: Callable[..., Any],
    store: Store,
) -> None:
    customers(30)
    incident()
    lost = {"voip.disposition": "call-attempt", "voip.release.q850": 34, "voip.trunk_group.terminating": "TG2"}
    records("cdr-voip", [{"minute": number, "voip.calling.number": f"+{number}", **lost} for number in range(4, 21)])
    key = opener.open_for_alert(request_for(incident="I1", begins=8))
    ticket = desk.get(key)
    assert ticket.impacted_customers == 8  # three on the trunk group, five by their calls so far
    assert (ticket.priority, ticket.services, ticket.incident) == ("high", ("voip",), "I1")
    assert "Impacted customers: 8 (3 by trunk group TG2; 5 by 5 numbers" in ticket.body
    assert ticket.customer_ids[0] == "C0000001"
    opener.resolve_for_alert(request_for(incident="I1", begins=8, at=60, event="resolved", severity=1))
    ticket = desk.get(key)
    assert ticket.impacted_customers == 20
    assert ticket.priority == "critical"
    assert [entry for entry in what(ticket) if entry[0] in ("impact", "priority")] == [
        ("impact", "20"),
        ("priority", "critical"),
    ]
    assert desk.list(customer="C0000020") == [ticket]
