"""States of a ticket as data: what each is called, which type it is of, and what the TM Forum calls it (states.yml)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contracts.errors import DefinitionError, UserError
from contracts.settings import Settings
from datagen.definitions import known, load, mapping, one_of

TYPES = ("new", "open", "pending", "resolved", "closed")
# TMF621 5.0, TroubleTicketStatusType; 4.0 writes the same words with capitals.
TMF621 = ("acknowledged", "rejected", "pending", "held", "inProgress", "cancelled", "closed", "resolved")
TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    "new": ("open",),
    "open": ("pending", "resolved"),
    "pending": ("open",),
    "resolved": ("open", "closed"),
    "closed": (),
}
MERGED = "merged"
_FILE = "states.yml"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class State:
    """`key` is stored, `name` is shown, `type` decides. `enters`: types of state that it is entered from."""

    key: str
    name: str
    type: str
    tmf621: str
    enters: tuple[str, ...]


class States:
    """Every state by key. Each type has one of its own name, which is its usual one."""

    def __init__(self, states: Mapping[str, State]) -> None:
        self._states = dict(states)

    def __iter__(self) -> Iterator[State]:
        return iter(self._states.values())

    def find(self, word: str) -> State:
        """By key, or by name as people see it. Raises UserError with the nearest right word."""
        folded = word.strip().casefold()
        by_name = {one.name.casefold(): one for one in self._states.values()}
        found = self._states.get(folded) or by_name.get(folded)
        if found is None:
            close = difflib.get_close_matches(folded, self._states, n=1)
            near = f"; did you mean {close[0]}?" if close else ""
            raise UserError(f"{word[:40]!r} is no state of a ticket{near}", remedy=f"one of {', '.join(self._states)}")
        return found

    def of_tmf621(self, word: str) -> State:
        """The state that a status word of TMF621 (any version, any capitals) stands for. Raises UserError."""
        folded = word.strip().casefold()
        for one in self._states.values():
            if one.tmf621.casefold() == folded:
                return one
        raise UserError(f"{word[:40]!r} is no status of TMF621", remedy=f"one of {', '.join(TMF621)}")

    def steps(self, type_now: str, key_now: str) -> tuple[State, ...]:
        """States that a ticket can go to from here, in the order of the file; merging has a command of its own."""
        return tuple(
            one
            for one in self._states.values()
            if one.key not in (key_now, MERGED) and type_now in (*one.enters, *_same(one, type_now))
        )


def _same(state: State, type_now: str) -> tuple[str, ...]:
    """Between two states of one type one may change at will, but for those of closed, which is final."""
    return (type_now,) if state.type == type_now and type_now not in ("closed", "new") else ()


@cache
def shipped() -> States:
    return read_states(_HERE / _FILE)


def states_of(settings: Settings) -> States:
    """Those of desk.folder where it has a states.yml, else the shipped ones. Raises DefinitionError."""
    own = Path(settings.text("desk.folder")) / _FILE
    return read_states(own) if settings.text("desk.folder") and own.exists() else shipped()


def read_states(path: Path) -> States:
    """A file of states. Raises DefinitionError naming file, key and value, also where a type has no state of its name."""
    found = {}
    for key, value in load(path).items():
        where = f"{path}: {key}"
        row = mapping(value, where)
        known(row, where, ["name", "type", "tmf621"], ["from"])
        kind = one_of(row["type"], TYPES, f"{where}.type")
        before = tuple(one for one in TYPES if kind in TRANSITIONS[one])
        more = tuple(one_of(one, TYPES[:-1], f"{where}.from") for one in row.get("from", ()))
        tmf = one_of(row["tmf621"], TMF621, f"{where}.tmf621")
        if not isinstance(row["name"], str) or not row["name"].strip():
            raise DefinitionError("the name is empty", where=where)
        found[key] = State(key, row["name"].strip(), kind, tmf, tuple(dict.fromkeys((*before, *more))))
    for kind in (*TYPES, MERGED):
        if kind not in found or (kind in TYPES and found[kind].type != kind):
            raise DefinitionError(f"there is no state {kind!r} of the type {kind}", where=str(path))
    return States(found)
