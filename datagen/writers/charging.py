"""Charging records of 3GPP TS 32.298 in BER, in files of TS 32.297: the paths of a layout's columns, the other way round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Address
from typing import Any, NamedTuple

from contracts.errors import DefinitionError
from datagen.table import Table, length
from datagen.writers.cells import PLAIN, Cell, joined, of_ways
from datagen.writers.octets import BY_TYPE
from datagen.writers.resolve import resolved, supplement_of
from mediation.formats import asn1
from mediation.formats.asn1 import Node
from mediation.formats.ber_paths import COUNT, RECORD, SUM, fits, paths
from mediation.layout import Layout

_BER, _PS, _CS, _SMS = 1, 7, 6, 15  # format of records; TS numbers: 32.251, 32.250, 32.274
_TS = {"moSMSRecord": _CS, "mtSMSRecord": _CS, "sCSMORecord": _SMS, "sCSMTRecord": _SMS}
_RELEASE = 15
_BEYOND_9 = 7  # release identifier with an extension (TS 32.297, 6.1.1.3)
_LONGEST = 0xFFFF  # octets of a record: two octets say so
_MOST_OCTETS = 0xFFFFFFFF
BY_SIZE, BY_TIME = 1, 2  # closure trigger reason (TS 32.297, 6.1.1.11)


class Step(NamedTuple):
    """A column's place in one kind of record: where, and how its text becomes a value."""

    column: int
    path: tuple[str, ...]
    value: Callable[[str], Any]


def records(table: Table, layout: Layout) -> list[bytes]:
    """One record a row, behind its CDR header. Raises DefinitionError as `delimited.lines`."""
    cells = resolved(layout, table, PLAIN, blank=False)
    rows = length(table)
    texts = [_texts(cell, rows) for cell in cells]
    kinds = texts[_kind_column(layout)]
    steps = {kind: _steps(layout, kind) for kind in sorted(set(kinds))}
    members = _members(layout, table, rows)
    encode = asn1.codec().encode
    return [
        _framed(encode, kind, _record(steps[kind], texts, members[kind], row), layout) for row, kind in enumerate(kinds)
    ]


def _texts(cell: Cell, rows: int) -> list[str]:
    return [""] * rows if cell.empty else joined(cell.make(""), rows)


def _kind_column(layout: Layout) -> int:
    for place, column in enumerate(layout.columns):
        if any(path.parts == [RECORD] for path in paths(column.name)):
            return place
    raise DefinitionError(f"no column {RECORD!r} says of what kind a record is", where=f"layout {layout.name}")


def _steps(layout: Layout, kind: str) -> list[Step]:
    record = asn1.records().get(kind)
    if record is None:
        raise DefinitionError(f"there is no record {kind!r} in ts32298.asn", where=f"layout {layout.name}")
    steps = []
    for place, column in enumerate(layout.columns):
        for path in paths(column.name):
            own = path.within(kind)
            if path.parts != [RECORD] and own and COUNT not in own and fits(record, own):
                steps.append(Step(place, tuple(own), _writer(_leaf(record, own))))
                break
    return steps


def _leaf(node: Node, path: Sequence[str]) -> Node:
    for part in path:
        if node.kind == "list":
            node = node.children[""]
            if part == SUM or part.isdecimal():
                continue
        node = node.children[part]
    return node


def _writer(node: Node) -> Callable[[str], Any]:
    return next(BY_TYPE[name] for name in node.type if name in BY_TYPE)


def _members(layout: Layout, table: Table, rows: int) -> dict[str, list[tuple[Step, list[str]]]]:
    """Members that no column names, by record."""
    found: dict[str, list[tuple[Step, list[str]]]] = {kind: [] for kind in asn1.records()}
    for name, ways in supplement_of(layout).members.items():
        kind, _, member = name.partition(".")
        step = Step(-1, (member,), _writer(asn1.records()[kind].children[member]))
        found[kind].append((step, _texts(of_ways(ways, table, PLAIN), rows)))
    return found


def _record(
    steps: Sequence[Step], texts: Sequence[Sequence[str]], members: Sequence[tuple[Step, Sequence[str]]], row: int
) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for step in steps:
        text = texts[step.column][row]
        if text:
            _put(record, step.path, step.value(text))
    for step, column in members:
        if column[row]:
            _put(record, step.path, step.value(column[row]))
    return record


def _put(record: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Sets what stands at a path; a list has one element, a choice the alternative that is named."""
    for place, part in enumerate(path[:-1]):
        following = path[place + 1]
        if part == SUM or part.isdecimal():
            continue
        if following == SUM or following.isdecimal():
            record = record.setdefault(part, [{}])[0]
        elif _is_choice(part):
            record[part] = (following, value)
            return
        else:
            record = record.setdefault(part, {})
    record[path[-1]] = value


@lru_cache(maxsize=64)
def _is_choice(member: str) -> bool:
    return any(node.children[member].kind == "choice" for node in asn1.records().values() if member in node.children)


def _framed(encode: Callable[..., Any], kind: str, record: Mapping[str, Any], layout: Layout) -> bytes:
    """Octets behind a CDR header (TS 32.297, 6.1.2)."""
    octets = bytes(encode(asn1.ROOT, (kind, record)))
    if len(octets) > _LONGEST:
        raise DefinitionError(f"a {kind} of {len(octets)} octets is too long", where=f"layout {layout.name}")
    head = len(octets).to_bytes(2, "big") + bytes((_BEYOND_9 << 5 | 2, _BER << 5 | _TS.get(kind, _PS), _RELEASE - 10))
    return head + octets


def file(cdrs: Sequence[bytes], *, sequence: int, opened: int, closed: int, closure: int) -> bytes:
    """A file of framed records (TS 32.297, 6.1.1). Times in ms since 1970; `closure`: BY_SIZE or BY_TIME."""
    body = b"".join(cdrs)
    head = bytes((_BEYOND_9 << 5 | 2, _BEYOND_9 << 5 | 2)) + _clock(opened) + _clock(closed)
    head += len(cdrs).to_bytes(4, "big") + (sequence % _MOST_OCTETS).to_bytes(4, "big") + bytes((closure,))
    head += b"\xff" * 4 + b"\0" * 10 + b"\xff\xff" + IPv4Address("192.0.2.10").packed + b"\0"
    head += b"\0\0\0\0" + bytes((_RELEASE - 10,)) * 2
    total = 8 + len(head) + len(body)
    return min(total, _MOST_OCTETS).to_bytes(4, "big") + (8 + len(head)).to_bytes(4, "big") + head + body


def _clock(milliseconds: int) -> bytes:
    """Month, day, hour, minute and offset, UTC, in bits."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    value = moment.month << 28 | moment.day << 23 | moment.hour << 18 | moment.minute << 12 | 1 << 11
    return value.to_bytes(4, "big")
