"""A file that this worker holds: its descriptor (it outlives a rename or removal), how far it is read, and its books."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BufferedReader, BytesIO
from typing import BinaryIO, cast

from contracts.clock import iso
from contracts.outcomes import Counts
from infrastructure.store import Versioned
from mediation.books import Book
from mediation.collect import physical_lines
from mediation.follow import content
from mediation.follow.checkpoint import Checkpoint, Kept
from mediation.follow.content import SLICE_BYTES, TAIL_BYTES, Mark, Part
from mediation.follow.folder import Stamp, stamp_of
from mediation.intake import Intake
from mediation.settle import reject_prefix
from mediation.way import Way


class ChangedError(Exception):
    """What was read is no longer in the file: it was truncated, or other content was written over it."""


@dataclass(slots=True)
class Tail:
    """`offset`, `number`: behind what the intake was handed; `kept`: behind what is acknowledged. `since`: of the last change."""

    descriptor: int
    place: str
    kept: Kept
    row: Versioned
    book: Book
    way: Way | None  # None: no layout, for there is nothing but blank lines
    stamp: Stamp
    since: float
    saved: float  # when its checkpoint was written last
    done: bool = False  # somebody says that it is finished
    offset: int = 0
    number: int = 1
    tail: str = ""
    told: Counts = field(default_factory=Counts)  # part of the book's run that the report has
    read_out: Stamp | None = None  # as the file was when there was no whole line left

    def __post_init__(self) -> None:
        checkpoint = self.kept.checkpoint
        self.offset, self.number, self.tail = checkpoint.offset, checkpoint.number, checkpoint.tail

    @property
    def key(self) -> str:
        return self.kept.document.id

    @property
    def dirty(self) -> bool:
        """Lines were handed over that the checkpoint does not count."""
        return self.offset != self.kept.checkpoint.offset

    @property
    def at_rest(self) -> bool:
        """Nothing is left to read but perhaps an unfinished last line."""
        return self.way is None or self.read_out == self.stamp

    def look(self, now: float) -> None:
        """Notices growth. Raises OSError, ChangedError when the file has become shorter than what was read."""
        stamp = stamp_of(os.fstat(self.descriptor))
        if stamp != self.stamp:
            self.stamp, self.since = stamp, now
        if stamp.size < self.offset:
            raise ChangedError(f"truncated from {self.offset:,} to {stamp.size:,} bytes")

    def read(self, intake: Intake) -> bool:
        """Hands the next whole lines to the intake, about a megabyte of them; False when there are none.

        They count only if the file still is what it was after they were read: who truncates or rewrites a file changes its
        head, or what was read last, first. Raises OSError, ChangedError.
        """
        if self.way is None or self.read_out == self.stamp:
            return False
        end = content.end_of_lines(self.descriptor, self.offset, self.stamp.size)
        if end is None:
            self.read_out = self.stamp
            return False
        self._hand_over(intake, end)
        return True

    def read_rest(self, intake: Intake) -> None:
        """Hands over the last line of a finished file, which no line feed ends. Raises OSError, ChangedError."""
        if self.way is not None and self.stamp.size > self.offset:
            self._hand_over(intake, self.stamp.size)

    def _hand_over(self, intake: Intake, end: int) -> None:
        assert self.way is not None  # noqa: S101  # it is asked before
        layout = self.way.layout
        stream, feeds, tail = self._part(end)
        # What stands at the very beginning of a file (a byte order mark) is not looked for in its middle.
        plain = self.offset > 0 and not layout.headed
        limit, prefix = self.way.limit, reject_prefix(layout.name)
        pieces = list(physical_lines(stream, limit, prefix) if plain else self.way.pieces(stream))
        checkpoint = self.kept.checkpoint
        if not content.fits(self.descriptor, Mark(checkpoint.fingerprint, checkpoint.head_bytes, end, tail)):
            raise ChangedError("other content was written over what was read")
        for offset, number, piece in pieces:
            self.way.hand_over(intake, self.book, self.offset + offset, self.number - 1 + number, piece)
        self.offset, self.number, self.tail = end, self.number + feeds, tail

    def _part(self, end: int) -> tuple[BinaryIO, int, str]:
        """The next bytes as a stream, how many line feeds they have, and the digest of their end."""
        if end - self.offset > SLICE_BYTES:  # one line
            part = cast(BinaryIO, BufferedReader(Part(self.descriptor, self.offset, end)))
            return part, 1, content.tail(self.descriptor, end)
        before = content.read_at(self.descriptor, max(0, self.offset - TAIL_BYTES), min(TAIL_BYTES, self.offset))
        data = content.read_at(self.descriptor, self.offset, end - self.offset)
        if hashlib.sha256(before).hexdigest() != self.tail or len(data) != end - self.offset:
            raise ChangedError("other content was written over what was read")
        return BytesIO(data), data.count(b"\n"), hashlib.sha256((before + data)[-TAIL_BYTES:]).hexdigest()

    def acknowledged(self) -> Checkpoint:
        """The checkpoint once the intake has flushed: books and offset belong together."""
        book = self.book
        book.size = self.offset
        book.mtime = delivered(self.descriptor)
        return replace(
            self.kept.checkpoint,
            place=self.place,
            inode=self.stamp.inode,
            offset=self.offset,
            number=self.number,
            tail=self.tail,
            counts=copied(book.counts),
            first=book.first,
            last=book.last,
        )

    def close(self) -> None:
        descriptor, self.descriptor = self.descriptor, -1
        with suppress(OSError):
            os.close(descriptor)


def delivered(descriptor: int) -> str:
    """Last modification of a file, as `Book` has it; empty where it is no time."""
    try:
        return iso(datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC))
    except (OSError, ValueError, OverflowError):
        return ""


def copied(counts: Counts) -> Counts:
    return replace(counts, reasons=dict(counts.reasons))


def less(counts: Counts, before: Counts) -> Counts:
    """What was added to `before`."""
    reasons = {reason: count - before.reasons.get(reason, 0) for reason, count in counts.reasons.items()}
    return Counts(
        counts.lines - before.lines,
        counts.indexed - before.indexed,
        counts.duplicate - before.duplicate,
        counts.rejected - before.rejected,
        {reason: count for reason, count in reasons.items() if count},
    )
