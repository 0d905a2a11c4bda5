"""Tag, length, contents (ITU-T X.690): a record taken apart by its tags, without what nobody wants, all lengths held to it."""

from __future__ import annotations

from typing import NamedTuple

from mediation.formats.asn1 import CONSTRUCTED

_TAG_OCTETS, _LENGTH_OCTETS, _DEPTH = 4, 4, 32


class Malformed(Exception):
    """Octets that are no BER: where, and what is wrong. Never leaves `mediation.formats.ber`."""

    def __init__(self, octet: int, what: str) -> None:
        self.octet, self.what = octet, what


class Tags(NamedTuple):
    """What is kept of an element's contents, by tag: None for the whole, `Tags` for parts.

    `turned`: tags of the other form, primitive or constructed, which are refused. `numbers`: tags of whole numbers, which
    asn1tools takes for 0 when they are empty. `kind`: members, list or choice.
    """

    kept: dict[int, Tags | None]
    turned: frozenset[int]
    numbers: frozenset[int]
    kind: str


def shown_tag(tag: int) -> str:
    """`[79]` for a context-specific tag, else the octets."""
    first = tag
    while first > 0xFF:
        first >>= 8
    if first >> 6 != 2:
        return f"{tag:02x}"
    if tag <= 0xFF:
        return f"[{tag & 31}]"
    number = 0
    for octet in tag.to_bytes(4, "big").lstrip(b"\0")[1:]:
        number = number << 7 | octet & 127
    return f"[{number}]"


def pruned(raw: bytes, at: int, end: int, tags: Tags) -> bytes:
    """The elements between `at` and `end` that are wanted, of definite length all. A choice of unknown alternative is empty."""
    parts: list[bytes] = []
    met: set[int] = set()
    kept, turned, numbers, kind = tags
    while at < end:
        begin = at
        tag, at = raw[at], at + 1
        if tag & 31 == 31:
            tag, at = tag_at(raw, begin, end)
        length, at = (raw[at], at + 1) if at < end and raw[at] < 128 else length_at(raw, at, end)
        after = stop = at + length
        if length < 0:
            stop, after = end_of_indefinite(raw, begin, end)
        elif stop > end:
            raise Malformed(begin, f"{shown_tag(tag)} claims {length} octets, {end - at} are left")
        inner = kept.get(tag, tags)
        if inner is tags:
            _look_at_unknown(raw, begin, tag, turned)
        else:
            if kind != "list" and tag in met:
                raise Malformed(begin, f"{shown_tag(tag)} occurs twice")
            met.add(tag)
            if not length and tag in numbers:
                raise Malformed(begin, f"{shown_tag(tag)} is a whole number without an octet")
            if inner is None:
                parts.append(raw[begin:stop] if length >= 0 else element(tag, raw[at:stop]))
            elif (contents := pruned(raw, at, stop, inner)) or inner.kind != "choice":
                parts.append(element(tag, contents))
        at = after
    if kind == "choice" and len(parts) > 1:
        raise Malformed(begin, "more than one alternative of a choice")
    return b"".join(parts)


def _look_at_unknown(raw: bytes, begin: int, tag: int, turned: frozenset[int]) -> None:
    """What nobody wants is skipped, but not what is wanted in a form that asn1tools would read otherwise."""
    if tag in turned:
        form = "constructed" if raw[begin] & CONSTRUCTED else "primitive"
        raise Malformed(begin, f"{shown_tag(tag)} is {form}, its type is not")
    if not tag:
        raise Malformed(begin, "an end-of-contents without a beginning")


def element(tag: int, contents: bytes) -> bytes:
    length = len(contents)
    head = tag.to_bytes(1 if tag <= 0xFF else (tag.bit_length() + 7) // 8, "big")
    if length < 128:
        return head + bytes((length,)) + contents
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return head + bytes((128 | len(size),)) + size + contents


def tag_at(raw: bytes, at: int, end: int) -> tuple[int, int]:
    """Identifier octets as one number, and the place behind them."""
    begin = at
    if at >= end:
        raise Malformed(at, "ends where a tag should be")
    tag = raw[at]
    at += 1
    if tag & 31 == 31:
        while True:
            if at >= end or at - begin == _TAG_OCTETS:
                raise Malformed(begin, "a tag without an end")
            octet = raw[at]
            tag, at = tag << 8 | octet, at + 1
            if octet < 128:
                break
    return tag, at


def length_at(raw: bytes, at: int, end: int) -> tuple[int, int]:
    """Length (-1: indefinite), and the place behind it."""
    if at >= end:
        raise Malformed(at, "ends where a length should be")
    length = raw[at]
    at += 1
    if length < 128:
        return length, at
    if length == 128:
        return -1, at
    size = length & 127
    if size > _LENGTH_OCTETS or at + size > end:
        raise Malformed(at - 1, f"a length of {size} octets")
    return int.from_bytes(raw[at : at + size], "big"), at + size


def end_of_indefinite(raw: bytes, begin: int, end: int) -> tuple[int, int]:
    """Where the contents end of the element of indefinite length at `begin`, and the place behind their end-of-contents."""
    at, depth = begin, 0
    while True:
        here = at
        tag, at = tag_at(raw, at, end)
        length, at = length_at(raw, at, end)
        if length < 0:
            depth += 1
            if depth > _DEPTH or not raw[here] & CONSTRUCTED:
                raise Malformed(
                    here, f"{shown_tag(tag)} is of indefinite length, {'primitive' if depth <= _DEPTH else 'too deep'}"
                )
        elif not tag and not length:
            depth -= 1
            if not depth:
                return here, at
        elif at + length > end:
            raise Malformed(here, f"{shown_tag(tag)} claims {length} octets, {end - at} are left")
        else:
            at += length
