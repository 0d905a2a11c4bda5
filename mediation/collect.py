"""Collecting: which files there are, and their physical lines with offset and number. Memory is flat in file and line size."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from contracts.errors import UserError
from contracts.ids import ID_LENGTH
from mediation.containers import Damaged, archive_of, members

KEPT_BYTES = 8192  # of a line that is too long
_BLOCK = 262_144  # read at first, so that there is soon something to send
_MOST = 2_097_152  # read at once later: many lines cost less each
_NO_CDRS = (".tmp", ".part", ".partial", ".filepart", ".swp", "~", ".md")

Line = tuple[int, int, bytes]  # byte offset, number from 1, bytes without the line feed


class LongLine(bytes):
    """The first bytes of a line that is longer than allowed; `length` in bytes and `digest` (hex) of all of it."""

    length: int
    digest: str


def find_files(paths: Iterable[Path]) -> tuple[list[Path], list[UserError]]:
    """Files to read, absolute, each once: a path that is a folder stands for the files below it in order of names.

    Hidden and temporary files (being written, such as `.part`) and notes (`.md`) are left out of folders.
    A zip stands for the files in it, `archive.zip/name.csv`. Second: paths that are not there or may not be read.
    """
    found: dict[Path, None] = {}
    errors: list[UserError] = []
    for given in paths:
        path = Path(os.path.abspath(given))  # noqa: PTH100  as Filebeat has it: links are not followed
        try:
            if stat.S_ISDIR(path.stat().st_mode):
                for each in _below(path, errors):
                    found |= dict.fromkeys(_unzipped(each, errors))
            else:
                found |= dict.fromkeys(_unzipped(path, errors))
        except (FileNotFoundError, NotADirectoryError):
            if archive_of(path) is not None:
                found[path] = None  # a file in a zip, by its own name
                continue
            errors.append(UserError("no such file or folder", where=str(path), remedy="check the path"))
        except OSError as error:
            errors.append(unreadable(path, error))
    return list(found), errors


def _unzipped(path: Path, errors: list[UserError]) -> list[Path]:
    try:
        found = members(path)
    except UserError as error:
        errors.append(error)
        return []
    if found is None:
        return [path]
    inside, strays = found
    for name in strays:
        what = f"holds a file whose name leads out of it: {name!r}"
        errors.append(UserError(what, where=str(path), remedy="pack it again, with names below the archive"))
    return [each for each in inside if not each.name.lower().endswith(_NO_CDRS)]


def unreadable(path: Path | str, error: OSError) -> UserError:
    """What is said of a path that the system does not let us read."""
    if isinstance(error, Damaged):
        remedy = "deliver it again whole, and ingest it again: lines before this are in, and none is taken twice"
        return UserError(str(error.strerror), where=str(path), remedy=remedy)
    return UserError(f"cannot be read: {error.strerror}", where=str(path), remedy="check that this user may read it")


def _below(folder: Path, errors: list[UserError]) -> Iterator[Path]:
    for parent, folders, names in os.walk(
        folder, onerror=lambda error: errors.append(unreadable(error.filename, error))
    ):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if is_taken(name):
                yield Path(parent, name)


def is_taken(name: str) -> bool:
    """Whether a file of this name in a folder is read: not hidden, not being written under a temporary name, no note."""
    return not name.startswith(".") and not name.lower().endswith(_NO_CDRS)


def physical_lines(stream: BinaryIO, limit: int, prefix: bytes = b"") -> Iterator[Line]:
    """Lines that end in a line feed or the file's end, `limit` bytes long at most: a longer one is a `LongLine`.

    The digest of a long line is that of `prefix` and the whole line.
    """
    for offset, number, region in regions(stream, limit, prefix):
        yield from numbered(offset, number, region)


def numbered(offset: int, number: int, region: bytes) -> Iterator[Line]:
    """The lines of a region whose first has this offset and number."""
    for place, raw in enumerate([region] if isinstance(region, LongLine) else region.split(b"\n"), number):
        yield offset, place, raw
        offset += len(raw) + 1


def regions(stream: BinaryIO, limit: int, prefix: bytes = b"") -> Iterator[Line]:
    """Whole lines, many at a time with the line feeds between them, or one `LongLine`; offset and number of the first."""
    offset, number = 0, 1
    for region in _cut(stream, limit, prefix):
        yield offset, number, region
        long = isinstance(region, LongLine)
        offset += (region.length if isinstance(region, LongLine) else len(region)) + 1
        number += 1 if long else region.count(b"\n") + 1


def _cut(stream: BinaryIO, limit: int, prefix: bytes) -> Iterator[bytes]:
    tail, size = b"", _BLOCK
    while block := stream.read(size):
        size = min(2 * size, _MOST)
        whole, end, tail = (tail + block).rpartition(b"\n")
        if end:
            yield from _checked(whole, limit, prefix)
        while len(tail) > limit:
            rest: list[bytes] = []
            yield _long(_until_line_feed(tail, stream, rest), prefix)
            whole, end, tail = b"".join(rest).rpartition(b"\n")
            if end:
                yield from _checked(whole, limit, prefix)
    if tail:
        yield tail


def _checked(region: bytes, limit: int, prefix: bytes) -> Iterator[bytes]:
    """A region as it is when none of its lines is too long, else line by line."""
    if len(region) <= limit or max(map(len, region.split(b"\n"))) <= limit:
        yield region
        return
    for raw in region.split(b"\n"):
        yield raw if len(raw) <= limit else _long([raw], prefix)


def _until_line_feed(tail: bytes, stream: BinaryIO, rest: list[bytes]) -> Iterator[bytes]:
    """Pieces of the line that `tail` begins; what was read behind its end goes to `rest`."""
    yield tail
    while block := stream.read(_BLOCK):
        head, end, behind = block.partition(b"\n")
        yield head
        if end:
            rest.append(behind)
            return


class Gathered:
    """A record put together of pieces; of one longer than `limit` no more than its head is kept."""

    def __init__(self, limit: int, prefix: bytes) -> None:
        self.limit, self.prefix = limit, prefix
        self.kept, self.length = bytearray(), 0
        self.digest: Any = None

    def add(self, piece: bytes) -> None:
        """The next bytes of it."""
        self.length += len(piece)
        if self.digest is not None:
            self.digest.update(piece)
            return
        self.kept += piece
        if len(self.kept) > self.limit:
            self.digest = hashlib.sha256(self.prefix + self.kept)
            del self.kept[KEPT_BYTES:]

    def line(self) -> bytes:
        """The record, a `LongLine` where it is too long."""
        if self.digest is None:
            return bytes(self.kept)
        line = LongLine(self.kept)
        line.length, line.digest = self.length, self.digest.hexdigest()[:ID_LENGTH]
        return line


def _long(pieces: Iterable[bytes], prefix: bytes) -> LongLine:
    digest, head, length, ends = hashlib.sha256(prefix), b"", 0, 0
    for piece in pieces:
        length += len(piece)
        head += piece[: KEPT_BYTES - len(head)]
        text = piece.rstrip(b"\r")  # carriage returns at the very end are no part of a line
        if text:
            digest.update(b"\r" * ends + text)
            ends = 0
        ends += len(piece) - len(text)
    line = LongLine(head)
    line.length, line.digest = length, digest.hexdigest()[:ID_LENGTH]
    return line
