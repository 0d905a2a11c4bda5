"""Paths to the values of a record: what the names of a layout's columns mean in the module `ts32298.asn`.

A column's name is a path, or several of which the first with a value counts: `p-GWAddress | p-GWAddressUsed`. A path goes by the
names of the module and may begin with a record's: `sCSMTRecord.recipientInfo.recipientMSISDN`; in a list `0` is the first
element, `sum` adds up, `count` counts the elements. `A if B` counts only where the record has a member B. `record` is the name
of the record itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from contracts.outcomes import Reason
from mediation.formats import asn1, octets
from mediation.formats.asn1 import Node
from mediation.layout import Layout

RECORD = "record"
SUM, COUNT = "sum", "count"
Get = Callable[[Any], str]


class Path(NamedTuple):
    """One way to a column's value. `needs`: the record's member that must be there, too; empty: none."""

    parts: list[str]
    needs: str

    def within(self, record: str) -> list[str]:
        """Parts below a record; none where the path is another record's."""
        if self.parts[0] == record:
            return self.parts[1:]
        return [] if self.parts[0] in asn1.records() else self.parts


def paths(name: str) -> list[Path]:
    """The ways that a column's name gives, the first one first."""
    found = []
    for way in name.split("|"):
        path, _, needs = way.strip().partition(" if ")
        found.append(Path(path.split("."), needs.strip().rpartition(".")[2]))
    return found


def member_names(name: str) -> Iterator[str]:
    """Every word of a column's paths."""
    for path in paths(name):
        yield from (*path.parts, path.needs)


def unknown_paths(layout: Layout) -> Iterator[str]:
    """What is wrong with the names of columns, one sentence each."""
    records = asn1.records()
    members = sorted({child for record in records.values() for child in record.children})
    for column in layout.columns:
        for path in paths(column.name):
            wrong = [] if path.parts == [RECORD] or _leads_somewhere(path, records) else [".".join(path.parts)]
            wrong += [path.needs] if path.needs and path.needs not in members else []
            for name in wrong:
                start = name.removeprefix(f"{path.parts[0]}.") if path.parts[0] in records else name
                close = difflib.get_close_matches(start.partition(".")[0], members, n=1)
                yield f"columns.{column.raw}: no member {name!r} in ts32298.asn" + (
                    f"; did you mean {close[0]}?" if close else ""
                )


def _leads_somewhere(path: Path, records: Mapping[str, Node]) -> bool:
    return any(own and fits(record, own) for record in records.values() if (own := path.within(record.name)))


def fits(node: Node, path: list[str]) -> bool:
    """Whether there is such a path to something that can be read as text."""
    if not path:
        return _text_of(node) is not None
    if node.kind == "list":
        element = node.children[""]
        if path == [COUNT]:
            return True
        if path[0] == SUM:
            return len(path) == 2 and path[1] in element.children and element.children[path[1]].type[-1] == "INTEGER"
        return path[0].isdecimal() and fits(element, path[1:])
    return path[0] in node.children and fits(node.children[path[0]], path[1:])


def _text_of(node: Node) -> Get | None:
    return next((octets.BY_TYPE[name] for name in node.type if name in octets.BY_TYPE), None)


def getter(node: Node, path: list[str]) -> Get:
    """Value of `node` → text of what stands at `path` below it, "" where there is nothing."""
    if not path:
        text = _text_of(node)
        assert text is not None  # noqa: S101  `fits` has looked
        return text
    if node.kind == "choice":
        return _of_choice(path[0], getter(node.children[path[0]], path[1:]))
    if node.kind == "members":
        return _of_member(path[0], getter(node.children[path[0]], path[1:]))
    if path == [COUNT]:
        return lambda value: str(len(value))
    if path[0] == SUM:
        return _of_sum(path[1])
    return _of_element(int(path[0]), getter(node.children[""], path[1:]))


def _of_choice(name: str, get: Get) -> Get:
    return lambda value: get(value[1]) if value[0] == name else ""


def _of_member(name: str, get: Get) -> Get:
    return lambda value: get(value[name]) if name in value else ""


def _of_element(place: int, get: Get) -> Get:
    return lambda value: get(value[place]) if place < len(value) else ""


def _of_sum(name: str) -> Get:
    def total(values: list[dict[str, int]]) -> str:
        found = [value[name] for value in values if name in value]
        if found and min(found) < 0:
            raise octets.Unreadable(Reason.BAD_NUMBER, f"{name} {octets.whole(min(found))} is below 0")
        return octets.whole(sum(found)) if found else ""

    return total
