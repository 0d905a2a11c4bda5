"""Files of charging records after 3GPP TS 32.297, clause 6.1: a file header, then records, each behind a CDR header.

    file header  file length 4, header length 4, high and low release and version 1 + 1, file opening and last append time 4 + 4,
                 number of CDRs 4, file sequence number 4, closure trigger reason 1, node address 20, lost CDR indicator 1,
                 CDR routeing filter 2 + n, private extension 2 + n, release extensions 0, 1 or 2 (clause 6.1.1)
    CDR header   CDR length 2 (without this header), release and version 1, data record format and TS number 1,
                 release extension 1 where the release is "beyond 9" (clause 6.1.2)

A file header may end at the routeing filter or the private extension: old releases have no more, and some writers leave
out what is empty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import BinaryIO

from contracts.ids import ID_LENGTH
from contracts.outcomes import Reason, Reject
from mediation.collect import KEPT_BYTES, Line, LongLine

FIXED = 50  # octets of the file header up to and with the length of the routeing filter
_LARGEST_HEADER = FIXED + 2 + 2 * 0xFFFF + 2
_UNKNOWN = 0xFFFFFFFF  # of a length or number: more than the field can say
_BEYOND_9 = 7  # release identifier with an extension
_BER, _FORMATS = 1, range(1, 5)
_FORMAT_NAMES = {1: "BER", 2: "unaligned PER", 3: "aligned PER", 4: "XML"}
_CLOSURES = {
    0: "normal",
    1: "file_size",
    2: "open_time",
    3: "number_of_cdrs",
    4: "manual",
    5: "release_or_encoding_change",
    128: "abnormal",
    129: "file_system_error",
    130: "storage_exhausted",
    131: "integrity_error",
}
_MOST_LOST = 127


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file header says of its file. `length` in octets and `cdrs` are None where the header cannot say.

    `sequence` counts the node's files. `lost`: CDRs lost at least; `lost_exact`: no more than that. Times are
    `11-21T10:05+01:00`: the header has no year. `closure` is a word for the trigger reason. `node` is the IP address of the
    node, empty when it gave none.
    """

    length: int | None
    header_length: int
    release: str
    opened: str
    appended: str
    cdrs: int | None
    sequence: int
    closure: str
    node: str
    lost: int
    lost_exact: bool


class Octets(bytes):
    """A record that is no line of text: nothing at its end is an end of line."""


class Flaw(bytes):
    """Stands for a contradiction between a file and its header, or a rest that cannot be told apart; becomes a reject."""

    detail: str


def file_facts(stream: BinaryIO) -> FileFacts | None:
    """Facts of the header at the stream's position, of which at most the header is read. None: no file header of TS 32.297."""
    head = _read(stream, FIXED)
    if header_complaint(head):
        return None
    head += _read(stream, int.from_bytes(head[4:8], "big") - FIXED)
    return None if header_complaint(head, whole=True) else _facts(head)


def is_file(head: bytes) -> bool:
    """Whether the first octets of a file look like one of TS 32.297: `head` is as much of them as there is, 64 KiB or more."""
    length = int.from_bytes(head[4:8], "big")
    return not header_complaint(head[: max(length, FIXED)], whole=length <= len(head))


def is_nearly(head: bytes) -> bool:
    """Whether octets that are no such file were meant to be one: they are no text, and the header's length could be one."""
    return len(head) >= 8 and FIXED <= int.from_bytes(head[4:8], "big") <= _LARGEST_HEADER and not head[4]


def header_complaint(head: bytes, *, whole: bool = False) -> str:
    """Why octets are no file header, naming the octet counted from 0; empty when they are one. `whole`: all of it is there."""
    if len(head) < FIXED:
        return f"octet {len(head)}: ends inside the file header, which has {FIXED} octets at least"
    length = int.from_bytes(head[4:8], "big")
    if not FIXED <= length <= _LARGEST_HEADER:
        return f"octet 4: a header length of {length}"
    if whole and len(head) < length:
        return f"octet {len(head)}: ends inside the file header, which claims {length} octets"
    for octet in (10, 14):
        if not _is_time(head[octet : octet + 4]):
            return f"octet {octet}: {head[octet : octet + 4].hex()} is no time"
    return _lengths_complaint(head, length) if whole else ""


def _lengths_complaint(head: bytes, length: int) -> str:
    """Routeing filter, private extension and release extensions must end where the header ends."""
    extensions = sum(head[octet] >> 5 == _BEYOND_9 for octet in (8, 9))
    end = FIXED + int.from_bytes(head[48:50], "big")
    if end > length:
        return f"octet 48: a routeing filter of {end - FIXED} octets in a header of {length}"
    if length - end in (0, extensions):
        return ""
    private = end + 2 + int.from_bytes(head[end : end + 2], "big")
    if length - private in (0, extensions):
        return ""
    return f"octet {end}: a private extension that does not end with the header, {length} octets"


def _facts(head: bytes) -> FileFacts:
    numbers = [int.from_bytes(head[octet : octet + 4], "big") for octet in (0, 4, 18, 22)]
    length, header_length, cdrs, sequence = numbers
    lost, exact = _lost(head[47])
    return FileFacts(
        length=None if length == _UNKNOWN else length,
        header_length=header_length,
        release=_release(head),
        opened=_time(head[10:14]),
        appended=_time(head[14:18]),
        cdrs=None if cdrs == _UNKNOWN else cdrs,
        sequence=sequence,
        closure=_CLOSURES.get(head[26], f"reason_{head[26]}"),
        node=_node(head[27:47]),
        lost=lost,
        lost_exact=exact,
    )


def _release(head: bytes) -> str:
    """Highest release in the file: `8` or, with the extension, `15`; R99 is `99`. `?`: beyond 9, and no extension says which."""
    release, length = head[8] >> 5, int.from_bytes(head[4:8], "big")
    if release != _BEYOND_9:
        return str(release + 3) if release else "99"
    extensions = 1 + (head[9] >> 5 == _BEYOND_9)
    after_filter = FIXED + int.from_bytes(head[48:50], "big")
    private = after_filter + 2 + int.from_bytes(head[after_filter : after_filter + 2], "big")
    there = length - extensions in (after_filter, private)
    return str(10 + head[length - extensions]) if there else "?"


def _is_time(octets: bytes) -> bool:
    value = int.from_bytes(octets, "big")
    month, day, hour, minute = value >> 28, value >> 23 & 31, value >> 18 & 31, value >> 12 & 63
    offset = (value >> 6 & 31) < 24 and (value & 63) < 60
    return not value or (offset and 1 <= month <= 12 and day >= 1 and hour < 24 and minute < 60)


def _time(octets: bytes) -> str:
    value = int.from_bytes(octets, "big")
    if not value:
        return ""
    sign = "+" if value >> 11 & 1 else "-"
    local = f"{value >> 28:02d}-{value >> 23 & 31:02d}T{value >> 18 & 31:02d}:{value >> 12 & 63:02d}"
    return f"{local}{sign}{value >> 6 & 31:02d}:{value & 63:02d}"


def _lost(octet: int) -> tuple[int, bool]:
    """CDRs lost at least, and whether that is all of them (clause 6.1.1.13): the first bit says that they were counted."""
    count, counted = octet & 127, bool(octet & 128)
    if not counted:
        return count, not count
    return (1, False) if not count else (count, count < _MOST_LOST)


def _node(octets: bytes) -> str:
    """An address in 20 octets: IPv6 behind four octets FF, IPv4 mapped into one, or either alone and filled up."""
    rest = octets.lstrip(b"\xff")
    if not any(rest):
        return ""
    if len(rest) <= 4:
        return str(IPv4Address(octets[16:]))
    if not any(octets[4:]):
        return str(IPv4Address(octets[:4]))
    six = IPv6Address(octets[4:] if octets.startswith(b"\xff\xff\xff\xff") else octets[:16])
    return str(six.ipv4_mapped or six)


# Records


def records(stream: BinaryIO, limit: int, prefix: bytes) -> Iterator[Line]:
    """Offset of the CDR header, number from 1, and CDR header with record, of every CDR in a file that begins at `stream`.

    What is longer than `limit` is a `LongLine`. A record that the file ends in is given as far as it goes. At the end there is
    one `Flaw` where length or number of CDRs are not what the file header says, or where a CDR header cannot be one: behind
    it nothing can be told apart. A file without a file header is one `Flaw`.
    """
    head = _read(stream, FIXED)
    complaint = header_complaint(head)
    if not complaint:
        head += _read(stream, int.from_bytes(head[4:8], "big") - FIXED)
        complaint = header_complaint(head, whole=True)
    if complaint:
        if head:
            yield 0, 1, _flaw(head, b"", f"no file of TS 32.297: {complaint}")
        return
    facts = _facts(head)
    offset, number = facts.header_length, 0
    while raw := _record(stream):
        number += 1
        if lost := framing_complaint(raw):
            rest = len(raw) + _rest(stream)
            detail = f"byte {offset}: {lost}; the last {rest} bytes of the file cannot be told apart"
            yield offset, number, _flaw(head, raw, detail)
            return
        yield offset, number, Octets(raw) if len(raw) <= limit else _long(raw, prefix)
        offset += len(raw)
    if detail := _difference(facts, offset, number):
        yield offset, number + 1, _flaw(head, b"", detail)


def _record(stream: BinaryIO) -> bytes:
    """CDR header and record, as much as there is of them."""
    head = _read(stream, 4)
    if len(head) < 4 or framing_complaint(head):
        return head
    length = int.from_bytes(head[:2], "big") + (head[2] >> 5 == _BEYOND_9)
    return head + _read(stream, length)


def framing_complaint(raw: bytes) -> str:
    """Why four octets or more cannot be a CDR header; empty when they can, and for fewer octets."""
    if len(raw) < 4:
        return ""
    if not (raw[0] or raw[1]):
        return "a CDR length of 0"
    return "" if raw[3] >> 5 in _FORMATS else f"a data record format {raw[3] >> 5}"


def content(raw: bytes) -> int | Reject:
    """Where the record begins behind its CDR header; a `Reject` when it is cut off, too long, or not in BER."""
    if len(raw) < 4:
        return Reject(Reason.BAD_RECORD, "", f"the file ends inside a CDR header, after {len(raw)} octets")
    if complaint := framing_complaint(raw):
        return Reject(Reason.BAD_RECORD, "", f"octet 0: {complaint}")
    begin = 5 if raw[2] >> 5 == _BEYOND_9 else 4
    length = int.from_bytes(raw[:2], "big")
    if len(raw) != begin + length:
        what = "the file ends" if len(raw) < begin + length else "more follow"
        return Reject(
            Reason.BAD_RECORD, "", f"octet 0: a CDR length of {length}, {what} after {max(len(raw) - begin, 0)} octets"
        )
    if raw[3] >> 5 != _BER:
        return Reject(
            Reason.BAD_RECORD, "", f"octet 3: the record is in {_FORMAT_NAMES[raw[3] >> 5]}, only BER is read"
        )
    return begin


def _difference(facts: FileFacts, length: int, cdrs: int) -> str:
    parts = []
    if facts.length not in (None, length):
        parts.append(f"a length of {facts.length} bytes, it has {length}")
    if facts.cdrs not in (None, cdrs):
        parts.append(f"{facts.cdrs} CDRs, there are {cdrs}")
    return f"the file header says {' and '.join(parts)}" if parts else ""


def _flaw(head: bytes, raw: bytes, detail: str) -> Flaw:
    """The file header is part of it: it has the file's sequence number and times, so that flaws of two files are two."""
    flaw = Flaw(head[:KEPT_BYTES] + raw[:KEPT_BYTES])
    flaw.detail = detail
    return flaw


def _long(raw: bytes, prefix: bytes) -> LongLine:
    line = LongLine(raw[:KEPT_BYTES])
    line.length, line.digest = len(raw), hashlib.sha256(prefix + raw).hexdigest()[:ID_LENGTH]
    return line


def _rest(stream: BinaryIO) -> int:
    length = 0
    while block := stream.read(1 << 18):
        length += len(block)
    return length


def _read(stream: BinaryIO, length: int) -> bytes:
    """`length` octets, fewer only at the end; a stream of a packed file may give less at a time."""
    block = stream.read(length) if length > 0 else b""
    while len(block) < length and (more := stream.read(length - len(block))):
        block += more
    return block
