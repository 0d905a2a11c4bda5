"""The ASN.1 module of the charging records: asn1tools' codec for it, and its tags as a tree to take records apart by."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("ts32298.asn")
ROOT = "ChargingRecord"
CONSTRUCTED = 0x20
_CONTEXT = 0x80
_UNIVERSAL = {"INTEGER": 0x02, "BIT STRING": 0x03, "OCTET STRING": 0x04, "IA5String": 0x16, "BOOLEAN": 0x01}
_MEMBERS = {"SEQUENCE": 0x30, "SET": 0x31}
_LISTS = {"SEQUENCE OF": 0x30}
Definition = dict[str, Any]


@dataclass(slots=True, eq=False)
class Node:
    """A place in a type. `type`: names it goes by, the nearest first. `kind`: leaf, members, list or choice.

    `children`: members by name; of a list its element under "". `tag`: as it stands in a record, 0 for a choice without one.
    """

    name: str
    type: tuple[str, ...]
    kind: str
    tag: int
    children: dict[str, Node] = field(default_factory=dict)
    mandatory: bool = False

    def tagged(self) -> Iterator[Node]:
        """Nodes that can stand directly within this one: a choice without a tag is looked through."""
        for child in self.children.values():
            if child.tag:
                yield child
            else:
                yield from child.tagged()


@cache
def codec(wanted: frozenset[str] | None = None) -> Any:
    """asn1tools' encoder and decoder. `wanted`: the only names of optional members it knows; it tries one after the other."""
    import asn1tools

    module = _parsed()["TS32298"]
    types = {name: _reduced(definition, wanted) for name, definition in module["types"].items()}
    return asn1tools.compile_dict({"TS32298": {**module, "types": types}}, "ber")


def _reduced(definition: Definition, wanted: frozenset[str] | None) -> Definition:
    if wanted is None or definition["type"] not in _MEMBERS:
        return copy.deepcopy(definition)  # asn1tools writes into what it compiles
    members = [
        member for member in definition["members"] if not member or "optional" not in member or member["name"] in wanted
    ]
    return copy.deepcopy({**definition, "members": members})


@cache
def _parsed() -> dict[str, Any]:
    """The module as data. Import, parsing and compiling take half a second, so they are done once and where they are needed."""
    import asn1tools

    parsed: dict[str, Any] = asn1tools.parse_files(str(PATH))
    return parsed


@cache
def records() -> dict[str, Node]:
    """The records of the module by name, such as pGWRecord."""
    types = _parsed()["TS32298"]["types"]
    return _node(types, ROOT, {"type": ROOT}).children


def _node(types: dict[str, Definition], name: str, definition: Definition) -> Node:
    names = [definition["type"]]
    while names[-1] in types:
        definition = {
            **types[names[-1]],
            **{key: definition[key] for key in ("tag", "optional", "default") if key in definition},
        }
        names.append(definition["type"])
    base = names[-1]
    node = Node(name, tuple(names), _kind(base), 0, mandatory=not {"optional", "default"} & definition.keys())
    if node.kind == "list":
        node.children[""] = _node(types, "", definition["element"])
    elif node.kind != "leaf":
        members = [member for member in definition["members"] if member]  # None stands for the extension marker
        node.children = {member["name"]: _node(types, member["name"], member) for member in members}
    node.tag = _tag(definition, base, node.kind)
    return node


def _kind(base: str) -> str:
    if base in _MEMBERS:
        return "members"
    return "list" if base in _LISTS else "choice" if base == "CHOICE" else "leaf"


def _tag(definition: Definition, base: str, kind: str) -> int:
    """The identifier octets as one number: 0x84, 0xa4, 0xbf4f. A choice with a tag is explicitly tagged (X.680, 31.2.7)."""
    if "tag" not in definition:
        return {**_UNIVERSAL, **_MEMBERS, **_LISTS, "CHOICE": 0}[base]
    number, first = definition["tag"]["number"], _CONTEXT | (0 if kind == "leaf" else CONSTRUCTED)
    return int(first | number) if number < 31 else int((first | 31) << 8 | number)
