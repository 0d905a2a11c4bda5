"""Tickets that belong together, their notes, files, macros and states with names."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import ConflictError, DefinitionError, UserError
from contracts.settings import read
from servicedesk import Ticket, TicketDesk
from servicedesk.attachments import MIB, PIECE, attach, clean_name, read_attachment
from servicedesk.macros import apply_macro, macros_of
from servicedesk.newticket import NewTicket
from servicedesk.notes import add_note, notes_of
from servicedesk.relations import link, living, merge, set_parent, settle_children, split
from servicedesk.states import TMF621, shipped, states_of
from servicedesk.tmf621 import resource

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64


@pytest.fixture
def made(desk: TicketDesk, start: datetime) -> Callable[..., Ticket]:
    def make(name: str, **more: Any) -> Ticket:
        usual = {"title": f"Ticket {name}", "body": f"body of {name}", "priority": "low", "by": "ann", "at": start}
        return desk.create(name, **{**usual, **more})

    return make


def test_link_is_seen_from_both_sides_and_made_once(desk: TicketDesk, made: Callable[..., Ticket]) -> None:
    one, other = made("a").id, made("b").id
    for _ in range(2):
        link(desk, one, "blocks", other, by="ann")
    assert (desk.get(one).links, desk.get(other).links) == ((f"blocks:{other}",), (f"blocked_by:{one}",))
    assert desk.get(one).revision == 2
    for wrong in ((one, "blokcs", other), (one, "blocks", one), (one, "blocks", "T-0")):
        with pytest.raises(UserError):
            link(desk, *wrong, by="ann")


def test_merged_ticket_lives_on_in_the_other_with_its_customers_and_comments(
    desk: TicketDesk, made: Callable[..., Ticket]
) -> None:
    gone, goes_on = made("a", customers=["C1"]).id, made("b", customers=["C2"]).id
    desk.comment(gone, "it rains in", by="C1")
    for _ in range(2):
        assert merge(desk, gone, goes_on, by="ann").id == goes_on
    first, second = desk.get(gone), desk.get(goes_on)
    assert (first.state, first.status, first.merged_into) == ("closed", "merged", goes_on)
    assert (second.customer_ids, second.impacted_customers, second.revision) == (("C2", "C1"), 2, 2)
    assert "it rains in" in str(second.history[-1]["comment"])
    assert living(desk, gone).id == goes_on
    assert goes_on in [one.id for one in desk.list(text="rains in")]
    closed = made("c").id
    desk.transition(closed, "cancelled", by="ann")
    before = desk.get(goes_on)
    for wrong in ((goes_on, gone), (closed, goes_on), (goes_on, closed)):
        with pytest.raises(UserError):
            merge(desk, *wrong, by="ann")
    assert desk.get(goes_on) == before


def test_split_makes_one_ticket_of_a_part(desk: TicketDesk, made: Callable[..., Ticket]) -> None:
    key = made("a", customers=["C1"], priority="high").id
    parts = {split(desk, key, title="Another thing", body="b", by="ann").id for _ in range(2)}
    (part,) = parts
    assert (desk.get(part).customer_ids, desk.get(part).priority) == (("C1",), "high")
    assert desk.get(part).links == (f"split_from:{key}",)
    assert desk.get(key).links == (f"split_into:{part}",)


def test_children_are_resolved_with_their_parent_and_told(desk: TicketDesk, made: Callable[..., Ticket]) -> None:
    told: list[tuple[str, str]] = []
    desk = TicketDesk(desk.store, desk.clock, tell=lambda *what: told.append(what))
    parent, new, waits, closed = (made(name).id for name in "pnwc")
    for child in (new, waits, closed):
        set_parent(desk, child, parent, by="ann")
    desk.assign(waits, "bob", by="ann")
    desk.transition(waits, "waiting_customer", by="bob")
    desk.transition(closed, "cancelled", by="ann")
    desk.assign(parent, "bob", by="ann")
    desk.resolve(parent, by="bob", comment="card changed")
    assert [desk.get(key).state for key in (new, waits, closed)] == ["resolved", "pending", "closed"]
    assert f"{parent} (Ticket p), which this is a consequence of, is resolved." == desk.get(new).history[-1]["comment"]
    assert sorted(key for key, _ in told) == sorted([new, waits])
    before = [desk.get(key).revision for key in (new, waits)]
    assert settle_children(desk) == 0
    assert [desk.get(key).revision for key in (new, waits)] == before
    desk.transition(new, "open", by="ann", comment="not for me")
    assert settle_children(desk) == 0
    assert desk.get(new).state == "open"


def test_children_are_told_later_when_the_first_try_was_killed(
    desk: TicketDesk, made: Callable[..., Ticket], monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, child = made("p").id, made("c").id
    set_parent(desk, child, parent, by="ann")
    desk.assign(parent, "bob", by="ann")
    with monkeypatch.context() as killed:
        killed.setattr(TicketDesk, "tell_children", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            desk.resolve(parent, by="bob", comment="done")
    assert desk.get(child).state == "new"
    assert (settle_children(desk), settle_children(desk)) == (1, 0)
    assert desk.get(child).state == "resolved"


def test_family_has_one_level_only(desk: TicketDesk, made: Callable[..., Ticket]) -> None:
    parent, child, other = (made(name).id for name in "pco")
    set_parent(desk, child, parent, by="ann")
    for wrong in ((parent, child), (parent, other), (other, child), (child, child)):
        with pytest.raises(UserError):
            set_parent(desk, *wrong, by="ann")
    assert set_parent(desk, child, "", by="ann").parent == ""


def test_private_notes_are_in_no_ticket_and_found_by_it(desk: TicketDesk, made: Callable[..., Ticket]) -> None:
    key = made("a").id
    for text in ("he shouts", "he shouts", "call him after five"):
        add_note(desk.store, key, text, by="ann", clock=desk.clock)
    assert sorted(note.text for note in notes_of(desk.store, key)) == ["call him after five", "he shouts"]
    assert "shouts" not in str(desk.get(key))
    assert desk.list(text="shouts") == []
    for wrong in ((key, " "), (key, "x" * 100_001), ("T-0", "x")):
        with pytest.raises(UserError):
            add_note(desk.store, *wrong, by="ann")


def test_file_is_kept_whole_and_once(desk: TicketDesk, made: Callable[..., Ticket]) -> None:
    key, content = made("a").id, PNG + bytes(range(256)) * 6000
    assert len(content) > 2 * PIECE
    files = [attach(desk, key, "../trace 1.png", content, by="ann") for _ in range(2)]
    assert files[0].id == files[1].id
    assert (files[0].name, files[0].type) == ("trace 1.png", "image/png")
    (named,) = desk.get(key).attachments
    assert (named["id"], named["bytes"]) == (files[0].id, len(content))
    found, read_back = read_attachment(desk.store, files[0].id)
    assert (read_back, found.ticket, found.by) == (content, key, "ann")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.png", b"", "1 byte to"),
        ("a.png", PNG + b"x" * (30 * MIB), r"this one 30\.0 MiB"),
        ("a.html", b"<html><script>alert(1)</script></html>", "markup"),
        ("a.txt", b"hello <script>alert(1)</script>", "markup"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "markup"),
        ("a.txt", b"\x00\x01\x02binary", "no known type"),
        ("a.exe", b"MZ" + b"\x00" * 200, "not taken"),
        ("a.pdf", PNG, "image/png by its content"),
        ("a.png.exe", PNG, "named .exe"),
        ("", PNG, "no name"),
        ("..", PNG, "no name"),
        ("n" * 300 + ".png", PNG, "no name"),
    ],
)
def test_file_is_refused(desk: TicketDesk, made: Callable[..., Ticket], name: str, content: bytes, words: str) -> None:
    key = made("a").id
    with pytest.raises(UserError, match=words):
        attach(desk, key, name, content, by="ann")
    assert desk.get(key).attachments == ()
    assert desk.store.count("attachment") == 0


def test_file_is_known_by_its_content_whatever_its_name(desk: TicketDesk, made: Callable[..., Ticket]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "x")
    key = made("a").id
    kinds = [("a.zip", packed.getvalue()), ("b.pdf", b"%PDF-1.4 x"), ("c.csv", "größe;1\n".encode()), ("d.png", PNG)]
    types = [attach(desk, key, name, content, by="ann").type for name, content in kinds]
    assert types == ["application/zip", "application/pdf", "text/plain", "image/png"]
    assert clean_name("C:\\temp\\a:b?.txt") == "a_b_.txt"


def test_macro_makes_all_of_its_changes_or_none(desk: TicketDesk, made: Callable[..., Ticket]) -> None:
    first = made("a", customers=["C1"])
    key = first.id
    done = apply_macro(desk, key, "supplier", by="bob")
    assert (done.state, done.status, done.tags) == ("pending", "waiting_supplier", ("supplier",))
    assert apply_macro(desk, key, "take", by="bob").assignee == "bob"
    before = desk.get(key)
    with pytest.raises(UserError, match="waiting_supplier cannot become resolved"):
        apply_macro(desk, key, "not_ours", by="bob")
    assert desk.get(key) == before
    with pytest.raises(UserError, match="did you mean solved"):
        apply_macro(desk, key, "solve", by="bob")
    with pytest.raises(ConflictError):
        apply_macro(desk, key, "take", by="eve", seen=first)


def test_macro_file_may_name_nothing_but_its_words(tmp_path: Path) -> None:
    settings = read({"BUSYHOUR_DESK_FOLDER": str(tmp_path)})
    (tmp_path / "macros.yml").write_text("x: {title: X, comment: 'hi $customer'}", encoding="utf-8")
    assert list(macros_of(settings)) == ["x"]
    for wrong in ("$password", "${__class__}", "$", "costs $5"):
        (tmp_path / "macros.yml").write_text(f"x: {{title: X, comment: '{wrong}'}}", encoding="utf-8")
        with pytest.raises(DefinitionError, match="filled in"):
            macros_of(settings)


def test_state_has_a_name_apart_from_its_type(desk: TicketDesk, made: Callable[..., Ticket]) -> None:
    key = made("a").id
    desk.assign(key, "bob", by="ann")
    assert desk.transition(key, "Waiting for a supplier", by="bob").status == "waiting_supplier"
    moved = desk.transition(key, "waiting_customer", by="bob")
    assert (moved.state, moved.history[-1]["what"], moved.history[-1]["to"]) == (
        "pending",
        "status",
        "waiting_customer",
    )
    assert [one.id for one in desk.list(status="waiting_customer")] == [key]
    with pytest.raises(UserError, match="waiting_customer cannot become rejected"):
        desk.transition(key, "rejected", by="bob")
    assert desk.transition(key, "cancelled", by="bob").closed is not None
    with pytest.raises(UserError, match="cannot become merged"):
        desk.transition(key, "merged", by="bob")


def test_states_are_data(tmp_path: Path) -> None:
    settings = read({"BUSYHOUR_DESK_FOLDER": str(tmp_path)})
    assert states_of(settings) is shipped()
    text = (Path(__file__).resolve().parents[2] / "servicedesk" / "states.yml").read_text(encoding="utf-8")
    (tmp_path / "states.yml").write_text(text.replace("name: Open", "name: In Arbeit"), encoding="utf-8")
    assert states_of(settings).find("in arbeit").type == "open"
    for wrong in (text.replace("type: open", "type: opne"), text.replace("tmf621: held", "tmf621: hold"), "a: {}"):
        (tmp_path / "states.yml").write_text(wrong, encoding="utf-8")
        with pytest.raises(DefinitionError):
            states_of(settings)


def test_words_of_tmf621_map_both_ways(desk: TicketDesk, made: Callable[..., Ticket]) -> None:
    for word in TMF621:
        assert shipped().of_tmf621(word).tmf621 == word
        assert shipped().of_tmf621(word.upper()).tmf621 == word
    assert {one.tmf621 for one in shipped()} == set(TMF621)
    with pytest.raises(UserError, match="no status of TMF621"):
        shipped().of_tmf621("done")
    key = made("a", customers=["C1"]).id
    desk.assign(key, "bob", by="ann")
    desk.transition(key, "waiting_supplier", by="bob", comment="asked")
    found = resource(desk.get(key))
    assert (found["status"], found["relatedParty"][0]["partyOrPartyRole"]["id"]) == ("held", "C1")
    assert [each["status"] for each in found["statusChangeHistory"]] == ["acknowledged", "inProgress", "held"]


def test_priority_follows_impact_and_urgency(desk: TicketDesk) -> None:
    more = NewTicket(impact="extensive", urgency="medium", tags=("vip",), language="de", channel="phone")
    key = desk.create("x", title="t", body="", priority="", by="ann", more=more).id
    assert (desk.get(key).priority, desk.get(key).tags, desk.get(key).origin) == ("high", ("vip",), "agent")
    assert desk.prioritise(key, "none", "low", by="ann").priority == "low"
    assert desk.tag(key, ["new"], ["vip"], by="ann").tags == ("new",)
    revision = desk.get(key).revision
    assert desk.tag(key, ["new"], by="ann").revision == revision
    for wrong in ({"impact": "hughe"}, {"urgency": "now"}, {"tags": ("",)}, {"origin": "moon"}):
        with pytest.raises(UserError):
            NewTicket(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="no promise"):
        desk.create("y", title="t", body="", priority="low", by="ann", more=NewTicket(sla="golden"))


def test_ticket_takes_no_endless_text(desk: TicketDesk, made: Callable[..., Ticket]) -> None:
    key = made("a").id
    for wrong in (
        lambda: desk.comment(key, "x" * 100_001, by="a"),
        lambda: made("b", title="t" * 501),
        lambda: made("c", body="x" * 100_001),
    ):
        with pytest.raises(UserError, match="at most"):
            wrong()
    assert desk.get(key).revision == 1
