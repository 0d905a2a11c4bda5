"""Macros: several changes of a ticket in one step, from macros.yml. All of it happens, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from contracts.errors import DefinitionError, UserError
from contracts.settings import Settings
from datagen.definitions import known, load, mapping, nearest
from servicedesk import lifecycle
from servicedesk.desk import TicketDesk
from servicedesk.lifecycle import Document
from servicedesk.newticket import tag_of
from servicedesk.notes import add_note
from servicedesk.ticket import Ticket

_FILE = "macros.yml"
_HERE = Path(__file__).parent
_WORDS = ("ticket", "agent", "customer")


@dataclass(frozen=True, slots=True)
class Macro:
    """Empty where a step is not part of it."""

    name: str
    title: str
    comment: str = ""
    state: str = ""
    assign: str = ""
    note: str = ""
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


def macros_of(settings: Settings) -> dict[str, Macro]:
    """Those of desk.folder where it has a macros.yml, else the shipped ones. Raises DefinitionError naming key and value."""
    own = Path(settings.text("desk.folder")) / _FILE
    path = own if settings.text("desk.folder") and own.exists() else _HERE / _FILE
    return {name: _macro(name, row, f"{path}: {name}") for name, row in load(path).items()}


def _macro(name: str, value: Any, where: str) -> Macro:
    row = mapping(value, where)
    texts, lists = ("comment", "state", "assign", "note"), ("add_tags", "remove_tags")
    known(row, where, ["title"], [*texts, *lists])
    for key in texts:
        unknown = set(Template(str(row.get(key, ""))).get_identifiers()) - set(_WORDS)
        if unknown or not Template(str(row.get(key, ""))).is_valid():
            raise DefinitionError(f"{key}: only {', '.join('$' + word for word in _WORDS)} are filled in", where=where)
    filled = {key: str(row.get(key, "")) for key in texts}
    return Macro(
        name,
        str(row["title"]),
        filled["comment"],
        filled["state"],
        filled["assign"],
        filled["note"],
        *(tuple(tag_of(str(tag)) for tag in row.get(key, ())) for key in lists),
    )


def apply_macro(desk: TicketDesk, key: str, name: str, *, by: str, seen: Ticket | None = None) -> Ticket:
    """Raises UserError on an unknown macro, or when one of its steps is not allowed: then nothing is changed."""
    macros = macros_of(desk.store.settings)
    if name not in macros:
        raise UserError(f"there is no macro {name[:40]!r}{nearest(name, macros)}", remedy=f"one of {', '.join(macros)}")
    macro, ticket = macros[name], desk.get(key)
    words = {"ticket": key, "agent": by, "customer": ", ".join(ticket.customer_ids[:1])}
    done = desk.change(key, lambda source: _applied(desk, source, macro, by, words), seen)
    if macro.note:
        add_note(desk.store, key, Template(macro.note).substitute(words), by=by, clock=desk.clock)
    return done


def _applied(desk: TicketDesk, source: Document, macro: Macro, by: str, words: Mapping[str, str]) -> Document:
    at, said = desk.clock(), Template(macro.comment).substitute(words)
    lifecycle.not_closed(source)
    if macro.assign:
        source = lifecycle.assigned(source, Template(macro.assign).substitute(words), at, by)
    tags = list(source["ticket"].get("tags", []))
    wanted = [tag for tag in dict.fromkeys((*tags, *macro.add_tags)) if tag not in macro.remove_tags]
    if wanted != tags:
        source = lifecycle.changed(source, at, by, "tags", tags=wanted)
    if macro.state and lifecycle.state_of(source) == "new":
        source = lifecycle.moved(source, "open", at, by, states=desk.states)
    if macro.state and lifecycle.status_of(source) != macro.state:
        return lifecycle.moved(source, macro.state, at, by, said, states=desk.states)
    return lifecycle.noted(source, at, by, said) if said else source
