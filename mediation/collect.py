"""Collecting: which files there are, and their physical lines with offset and number. Memory is flat in file and line size."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from contracts.errors import UserError
from contracts.ids import ID_LENGTH

KEPT_BYTES = 8192  # of a line that is too long
_BLOCK = 262_144
_NO_CDRS = (".tmp", ".part", ".partial", ".filepart", ".swp", "~", ".md")

Line = tuple[int, int, bytes]  # byte offset, number from 1, bytes without the line feed


class LongLine(bytes):
    """The first bytes of a line that is longer than allowed; `length` in bytes and `digest` (hex) of all of it."""

    length: int
    digest: str


def find_files(paths: Iterable[Path]) -> tuple[list[Path], list[UserError]]:
    """Files to read, absolute, each once: a path that is a folder stands for the files below it in order of names.

    Hidden and temporary files (being written, such as `.part`) and notes (`.md`) are left out of folders.
    Second: paths that are not there or may not be read.
    """
    found: dict[Path, None] = {}
    errors: list[UserError] = []
    for given in paths:
        path = Path(os.path.abspath(given))  # noqa: PTH100  as Filebeat has it: links are not followed
        try:
            if stat.S_ISDIR(path.stat().st_mode):
                found |= dict.fromkeys(_below(path, errors))
            else:
                found[path] = None
        except FileNotFoundError:
            errors.append(UserError("no such file or folder", where=str(path), remedy="check the path"))
        except OSError as error:
            errors.append(unreadable(path, error))
    return list(found), errors


def unreadable(path: Path | str, error: OSError) -> UserError:
    """What is said of a path that the system does not let us read."""
    return UserError(f"cannot be read: {error.strerror}", where=str(path), remedy="check that this user may read it")


def _below(folder: Path, errors: list[UserError]) -> Iterator[Path]:
    for parent, folders, names in os.walk(
        folder, onerror=lambda error: errors.append(unreadable(error.filename, error))
    ):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and not name.lower().endswith(_NO_CDRS):
                yield Path(parent, name)


def physical_lines(stream: BinaryIO, limit: int, prefix: bytes = b"") -> Iterator[Line]:
    """Lines that end in a line feed or the file's end, `limit` bytes long at most: a longer one is a `LongLine`.

    The digest of a long line is that of `prefix` and the whole line.
    """
    offset, number = 0, 1
    for raw in _cut(stream, limit, prefix):
        yield offset, number, raw
        offset += (raw.length if isinstance(raw, LongLine) else len(raw)) + 1
        number += 1


def _cut(stream: BinaryIO, limit: int, prefix: bytes) -> Iterator[bytes]:
    tail = b""
    while block := stream.read(_BLOCK):
        parts = (tail + block).split(b"\n")
        tail = parts.pop()
        for raw in parts:
            yield raw if len(raw) <= limit else _long([raw], prefix)
        while len(tail) > limit:
            rest: list[bytes] = []
            yield _long(_until_line_feed(tail, stream, rest), prefix)
            *parts, tail = b"".join(rest).split(b"\n")
            for raw in parts:
                yield raw if len(raw) <= limit else _long([raw], prefix)
    if tail:
        yield tail


def _until_line_feed(tail: bytes, stream: BinaryIO, rest: list[bytes]) -> Iterator[bytes]:
    """Pieces of the line that `tail` begins; what was read behind its end goes to `rest`."""
    yield tail
    while block := stream.read(_BLOCK):
        head, end, behind = block.partition(b"\n")
        yield head
        if end:
            rest.append(behind)
            return


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
