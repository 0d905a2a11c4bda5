"""From a line as found to its outcome: encoding and length first, then the layout's own function."""

from __future__ import annotations

from collections.abc import Callable

from contracts.outcomes import Reason, Reject
from mediation.collect import LongLine
from mediation.compile import Mediator, Record
from mediation.sniff import BOM

REPLACEMENT = "\ufffd"  # what Filebeat and other shippers put for bytes that are no UTF-8: the value is lost either way


Outcome = Callable[[bytes], Record | Reject]


def judge(mediator: Mediator, limit: int) -> Outcome:
    """A function line (without its end) → outcome. Never raises."""
    mediate = mediator.mediate
    binary = mediator.layout.binary
    one_line = not mediator.layout.format.whole_file

    def outcome(raw: bytes) -> Record | Reject:
        if isinstance(raw, LongLine):
            return Reject(Reason.LINE_TOO_LONG, "", f"{raw.length} bytes, more than {limit} (ingest.line.bytes)")
        if binary:
            return mediate(raw)
        try:
            line = raw.decode()
        except UnicodeDecodeError as error:
            return Reject(Reason.BAD_ENCODING, "", f"not UTF-8 at byte {error.start + 1} of the line")
        if "\0" in line or "\r" in line or (one_line and "\n" in line):
            return Reject(Reason.BAD_ENCODING, "", "a NUL or a carriage return inside the line")
        if REPLACEMENT in line:
            return Reject(Reason.BAD_ENCODING, "", "U+FFFD: what sent the line could not read it as UTF-8")
        return mediate(line)

    return outcome


def without_end(raw: bytes) -> bytes:
    """Drops carriage returns at the end of a line; a long line and a record of octets (subclasses both) stay as they are."""
    return raw.rstrip(b"\r") if raw[-1:] == b"\r" and raw.__class__ is bytes else raw


def no_data(header_line: bytes) -> frozenset[bytes]:
    """Lines that are no data: blank ones, and the header, which files put together repeat."""
    return frozenset((b"", BOM, header_line, BOM + header_line))
