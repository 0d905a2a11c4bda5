"""BER records after 3GPP TS 32.298: from the octets of one record to the cells of a layout's columns.

A record is taken apart by its tags first: what no column names is left out, what is named must be whole (X.690: lengths within
what holds them, definite or not). Only then asn1tools decodes what is left, since it neither skips an unknown member in the
middle of others nor holds the length of a member against that of the record. What is no record is a `Reject` that says at
which octet, counted from 0 at the record's CDR header (TS 32.297).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from contracts.errors import LayoutError
from contracts.outcomes import Reason, Reject
from mediation.formats import asn1, octets
from mediation.formats.asn1 import CONSTRUCTED, ROOT, Node
from mediation.formats.ber_paths import COUNT, RECORD, SUM, Get, fits, getter, member_names, paths, unknown_paths
from mediation.formats.tlv import Malformed, Tags, element, end_of_indefinite, length_at, pruned, shown_tag, tag_at
from mediation.formats.ts32297 import Flaw, content
from mediation.layout import Layout
from mediation.values import Refusal

Cells = list[str]


class Step(NamedTuple):
    """How one column is read from one kind of record: the cell's place, the member to look at, what it needs, and its text."""

    place: int
    member: str
    needs: str
    get: Get


class Plan(NamedTuple):
    """All that a layout wants of one kind of record."""

    name: str
    tags: Tags
    steps: tuple[Step, ...]
    named: tuple[int, ...]  # cells that hold the record's name


def ber_reader(layout: Layout, header: list[str]) -> Callable[[bytes], Cells | Reject]:
    """A function record with its CDR header → cells, which never raises. Raises LayoutError where a column has no such path."""
    for complaint in unknown_paths(layout):
        raise LayoutError(complaint, where=layout.name, remedy="the paths are explained in docs/ber.md")
    names = [column.raw for column in layout.columns]
    plans = {node.tag: _plan(layout, node) for node in asn1.records().values()}
    decode = asn1.codec(frozenset(name for column in layout.columns for name in member_names(column.name))).decode
    from asn1tools.codecs.ber import DecodeError, MissingMandatoryFieldError

    def read(raw: bytes) -> Cells | Reject:
        if isinstance(raw, Flaw):
            return Reject(Reason.BAD_RECORD, "", raw.detail)
        begin = content(raw)
        if isinstance(begin, Reject):
            return begin
        try:
            plan, pruned = _taken_apart(raw, begin, plans)
            return _cells(plan, decode(ROOT, pruned)[1], names)
        except Malformed as error:
            return Reject(Reason.BAD_RECORD, "", f"octet {error.octet}: {error.what}")
        except Refusal as refusal:
            return refusal.reject
        except MissingMandatoryFieldError as error:
            return Reject(Reason.MISSING_VALUE, error.location_str.rpartition(".")[2], "is not in the record")
        except UnicodeDecodeError as error:
            return Reject(Reason.BAD_ENCODING, "", f"text that is no IA5String: {bytes(error.object[:40]).hex()}")
        except (DecodeError, ValueError, LookupError, TypeError) as error:  # asn1tools lets some of Python's own pass
            return Reject(Reason.BAD_RECORD, "", f"cannot be decoded: {error}")

    return read


def _plan(layout: Layout, record: Node) -> Plan:
    wanted: dict[str, Any] = {}
    steps, named = [], []
    for place, column in enumerate(layout.columns):
        for path in paths(column.name):
            own = path.within(record.name)
            if path.parts == [RECORD]:
                named.append(place)
            elif own and fits(record, own):
                _want(wanted, record, own)
                needs = path.needs or own[0]
                wanted.setdefault(needs, {})
                steps.append(Step(place, own[0], needs, getter(record.children[own[0]], own[1:])))
    return Plan(record.name, _members(record, wanted), tuple(steps), tuple(named))


def _want(wanted: dict[str, Any], node: Node, path: list[str]) -> None:
    """Notes a path in a tree of names. A leaf and a choice are wanted whole."""
    for part in path:
        if node.kind == "list":
            node = node.children[""]
            if part in (COUNT, SUM) or part.isdecimal():
                continue
        wanted, node = wanted.setdefault(part, {}), node.children[part]


def _tags(node: Node, wanted: Mapping[str, Any]) -> Tags | None:
    if node.kind == "leaf":
        return None
    if node.kind == "choice":
        return _whole(node)
    return _list(node.children[""], wanted) if node.kind == "list" else _members(node, wanted)


def _members(node: Node, wanted: Mapping[str, Any]) -> Tags:
    kept = [child for child in node.children.values() if child.name in wanted or child.mandatory]
    return _made({child: _tags(child, wanted.get(child.name, {})) for child in kept}, "members")


def _list(element: Node, wanted: Mapping[str, Any]) -> Tags:
    return _made({element: _tags(element, wanted)}, "list") if element.tag else _whole(element)._replace(kind="list")


def _whole(node: Node) -> Tags:
    """All that can stand in a choice."""
    kept = {child: _tags(child, {name: {} for name in child.children}) for child in node.tagged()}
    return _made(kept, "choice")


def _made(inner: Mapping[Node, Tags | None], kind: str) -> Tags:
    kept = {node.tag: tags for node, tags in inner.items()}
    numbers = frozenset(node.tag for node in inner if node.type[-1] == "INTEGER")
    return Tags(kept, frozenset(tag ^ _turn(tag) for tag in kept), numbers, kind)


def _turn(tag: int) -> int:
    """The bit of the first identifier octet that says constructed."""
    return CONSTRUCTED << 8 if tag > 0xFF else CONSTRUCTED


def _cells(plan: Plan, values: Mapping[str, Any], names: list[str]) -> Cells:
    cells = [""] * len(names)
    for place in plan.named:
        cells[place] = plan.name
    for place, member, needs, get in plan.steps:
        if member in values and needs in values and not cells[place]:
            try:
                cells[place] = get(values[member])
            except octets.Unreadable as error:
                raise Refusal(error.reason, names[place], str(error)) from error
    return cells


def _taken_apart(raw: bytes, begin: int, plans: Mapping[int, Plan]) -> tuple[Plan, bytes]:
    """The record's plan, and the record without what the plan does not want."""
    tag, at = tag_at(raw, begin, len(raw))
    plan = plans.get(tag)
    if plan is None:
        raise Refusal(Reason.BAD_VALUE, "recordType", f"octet {begin}: {_unknown(tag, plans)}")
    length, at = length_at(raw, at, len(raw))
    end = after = at + length
    if length < 0:
        end, after = end_of_indefinite(raw, begin, len(raw))
    if after != len(raw):
        there = len(raw) - begin
        raise Malformed(begin, f"the {plan.name} is {after - begin} octets long by its own length, {there} are there")
    return plan, element(tag, pruned(raw, at, end, plan.tags))


def _unknown(tag: int, plans: Mapping[int, Plan]) -> str:
    known = ", ".join(f"{shown_tag(each)} {plan.name}" for each, plan in sorted(plans.items()))
    return f"a record with tag {shown_tag(tag)} is none of {known}"
