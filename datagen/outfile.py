"""Files as a switch leaves them: named by their period, complete or not there."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from datagen.files import write_whole
from datagen.request import Feed, Run
from datagen.rotation import Rotation
from datagen.writers import FileFacts
from datagen.writers.writer import EXTENSIONS

_A_DAY = (
    100_000  # numbers that a day has where files are closed by size: a reader takes the leap for a counter set anew
)
_LEVEL = 6  # of gzip, as its command


@dataclass(frozen=True, slots=True)
class Written:
    """A file: its name within the folder of files, records, bytes, checksum (CRC-32), period in ms since 1970."""

    name: str
    records: int
    size: int
    crc: int
    start: int
    end: int


def sequence(rotation: Rotation, start: int, index: int) -> int:
    """Running number of a file: of its period since 1970, or of the day and its place in it, from 1."""
    if rotation.by_time:
        return start // rotation.step
    return start // 86_400_000 * _A_DAY + index


def file_name(feed: Feed, run: Run, start: int, index: int) -> str:
    """`voip-20261101-10.csv`; numbered, as 3GPP TS 32.297 has it: `voip_-_000497842.20261101_-_1000.csv`.

    A layout whose files are known by their names gets such a name.
    """
    moment = datetime.fromtimestamp(start / 1000, UTC)
    if run.numbered:
        stem = f"{feed.name}_-_{sequence(run.rotation, start, index):09d}.{moment:%Y%m%d_-_%H%M}"
    else:
        stem = f"{feed.name}-{moment.strftime(run.rotation.stamp)}" + ("" if run.rotation.by_time else f"-{index:05d}")
    return _known_by_name(feed, stem) + (".gz" if run.gzip else "")


def _known_by_name(feed: Feed, stem: str) -> str:
    for pattern in feed.layout.files:
        before, mark, after = pattern.partition("*")
        if mark and not set("/*?[") & set(before + after):
            return f"{before}{'-' if before else ''}{stem}{after}"
    return stem + EXTENSIONS[feed.layout.format.kind]


def again_name(name: str) -> str:
    """Of a second delivery: the ending stays, since layouts go by it."""
    stem, dot, ending = name.partition(".") if "_-_" not in name else _last_ending(name)
    return f"{stem}-again{dot}{ending}"


def _last_ending(name: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"(.+?)((?:\.[A-Za-z][A-Za-z0-9]*)+)", name)
    return (name, "", "") if found is None else (found[1], ".", found[2][1:])


class OutFile:
    """A file under way: a dot file ending in `.part` until `close`. Text is written as it comes; a BER file is kept until then,
    since its header tells its length."""

    def __init__(self, folder: Path, feed: Feed, run: Run, start: int, index: int) -> None:
        self.folder, self.feed, self.run, self.start, self.index = folder, feed, run, start, index
        self.name = f"{feed.name}/{file_name(feed, run, start, index)}"
        self.path = folder / self.name
        self.part = self.path.with_name(f".{self.path.name}.part")
        self.records = self.octets = self.size = self.crc = 0
        self._kept: list[bytes] = []
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._raw: IO[bytes] = self.part.open("wb")
        self._out: IO[bytes] | gzip.GzipFile = self._raw
        if run.gzip:
            self._out = gzip.GzipFile("", "wb", _LEVEL, self._raw, mtime=0)
        if not feed.layout.binary:
            self._write(feed.writer.file([], FileFacts()))

    def add(self, records: Sequence[str] | Sequence[bytes]) -> None:
        self.records += len(records)
        if self.feed.layout.binary:
            cdrs = [record for record in records if isinstance(record, bytes)]
            self._kept += cdrs
            self.octets += sum(map(len, cdrs))
        elif records:
            self._write(self.feed.writer.encoded("".join(records), begins=False))  # type: ignore[arg-type]

    def close(self, end: int, *, by_size: bool = False) -> Written:
        """The file appears under its name. `end`: of its period."""
        if self.feed.layout.binary:
            number = sequence(self.run.rotation, self.start, self.index)
            self._write(self.feed.writer.file(self._kept, FileFacts(number, self.start, end, by_size)))
        if self._out is not self._raw:
            self._out.close()
        self._raw.close()
        self.size, self.crc = (
            (self.part.stat().st_size, checksum(self.part)) if self.run.gzip else (self.size, self.crc)
        )
        self.part.replace(self.path)
        return Written(self.name, self.records, self.size, self.crc, self.start, end)

    def drop(self) -> None:
        """Nothing of it stays."""
        with suppress(OSError):  # what it still holds need not be written
            self._out.close()
            self._raw.close()
        self.part.unlink(missing_ok=True)

    def _write(self, content: bytes) -> None:
        self._out.write(content)
        self.size += len(content)
        self.octets += 0 if self.feed.layout.binary else len(content)
        self.crc = zlib.crc32(content, self.crc)


def checksum(path: Path) -> int:
    """CRC-32 of a file's bytes."""
    crc = 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            crc = zlib.crc32(block, crc)
    return crc


def copy_whole(source: Path, target: Path) -> None:
    """Another file of the same bytes, whole or not there."""
    with source.open("rb") as stream:
        write_whole(target, iter(lambda: stream.read(1 << 20), b""))


def stamp(path: Path, milliseconds: int) -> None:
    """Sets the modification time: when the file was delivered."""
    os.utime(path, ns=(milliseconds * 1_000_000, milliseconds * 1_000_000))
