"""Packed files: gzip, bzip2, xz, zstd, and the members of a zip, told by their first bytes and read as streams.

A member of a zip is a file of its own, `archive.zip/folder/file.csv`. What is unpacked is never held whole. Damage, or an end too
early, is told when it is reached: everything before it has been given out by then.
"""

from __future__ import annotations

import bz2
import io
import lzma
import os
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from contracts.errors import UserError
from contracts.settings import TABLE

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MOST_BYTES = next(int(row.default) for row in TABLE if row.name == "ingest.unpacked.bytes")
_BLOCK = 65_536
_ZIP = b"PK\x03\x04"
_ZSTD_WINDOW = 27  # bits: 128 MiB, what zstd itself takes unless told otherwise


class Damaged(OSError):
    """A packed file that cannot be unpacked to its end; `strerror` says at which byte and why."""

    def __init__(self, path: Path, position: int, why: str) -> None:
        super().__init__(0, f"cannot be unpacked beyond byte {position} of its content: {why}")
        self.filename = str(path)


class _Gzip:
    """zlib's decompressor with the names that those of bz2, lzma and zstd share."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.eof and not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _zstd() -> Any:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW})


_KINDS: dict[bytes, tuple[str, Callable[[], Any]]] = {
    b"\x1f\x8b": ("gzip", _Gzip),
    b"BZh": ("bzip2", bz2.BZ2Decompressor),
    b"\xfd7zXZ\x00": ("xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=256 * 2**20)),
    b"\x28\xb5\x2f\xfd": ("zstd", _zstd),
}
_ERRORS = (zlib.error, lzma.LZMAError, zstd.ZstdError, zipfile.BadZipFile, ValueError, EOFError, OSError)


def kind_of(head: bytes) -> str:
    """`gzip`, `bzip2`, `xz`, `zstd`, `zip`, or empty for what is not packed."""
    if head.startswith(_ZIP):
        return "zip"
    return next((name for mark, (name, _) in _KINDS.items() if head.startswith(mark)), "")


def opened(path: Path, most: int = MOST_BYTES) -> BinaryIO:
    """The content of a file, or of a member of a zip, unpacked: `read(size)`, `tell()` and `seek(0)` work.

    Raises OSError when it cannot be opened, `Damaged` while it is read; more than `most` bytes unpacked are damage, too.
    """
    archive = archive_of(path)
    if archive is not None:
        return _opened_member(archive, path, most)
    stream = path.open("rb")
    head = stream.read(6)
    stream.seek(0)
    made = next((make for mark, (_, make) in _KINDS.items() if head.startswith(mark)), None)
    return stream if made is None else Unpacked(path, stream, made, most)  # type: ignore[return-value]


def archive_of(path: Path) -> Path | None:
    """The zip that `path` names a member of; None for a path of the file system."""
    if os.path.lexists(path):
        return None
    return next((parent for parent in path.parents if parent.is_file()), None)


def members(path: Path) -> tuple[list[Path], list[str]] | None:
    """Paths of the files in a zip, in order of names, and names that lead out of it; None when it is no zip.

    Hidden files are left out, as in folders. Raises UserError when it cannot be read as one.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as stream:
            if not stream.read(4).startswith(_ZIP):
                return None
        with zipfile.ZipFile(path) as archive:
            names = sorted({entry.filename for entry in archive.infolist() if not entry.is_dir()})
    except OSError:
        return None  # told where it is opened
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        remedy = "deliver it again: a zip without its end names no files"
        raise UserError(f"is no whole zip: {error}", where=str(path), remedy=remedy) from error
    strays = [name for name in names if name.startswith("/") or ".." in name.split("/")]
    shown = (name for name in names if not any(part.startswith(".") for part in name.split("/")))
    return [path / name for name in shown if name not in strays], strays


def _opened_member(archive: Path, path: Path, most: int) -> BinaryIO:
    try:
        inside = zipfile.ZipFile(archive)
        try:
            member = inside.open(path.relative_to(archive).as_posix())
        except BaseException:
            inside.close()
            raise
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, KeyError) as error:
        raise Damaged(path, 0, str(error)) from error
    return Unpacked(path, member, None, most, inside)  # type: ignore[arg-type, return-value]


class Unpacked(io.RawIOBase):
    """Streams packed bytes; with `make` None `packed` unpacks by itself, out of the zip `inside`."""

    def __init__(
        self,
        path: Path,
        packed: BinaryIO,
        make: Callable[[], Any] | None,
        most: int,
        inside: zipfile.ZipFile | None = None,
    ) -> None:
        super().__init__()
        self.inside = inside
        self.path, self.packed, self.make, self.most = path, packed, make, most
        self.position = 0
        self.decompressor: Any = make() if make else None
        self.waiting = b""  # read from the file, for the next of several packed parts

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = 0) -> int:
        """To the beginning only."""
        if offset or whence:
            raise io.UnsupportedOperation("a packed file is read from its beginning")
        self.packed.seek(0)
        self.position, self.waiting = 0, b""
        self.decompressor = self.make() if self.make else None
        return 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes, `size` at most; what there is before damage comes first."""
        try:
            data = self.packed.read(size) if self.decompressor is None else self._unpacked(size)
        except _ERRORS as error:
            raise Damaged(self.path, self.position, str(error) or type(error).__name__) from error
        self.position += len(data)
        if self.position > self.most:
            raise Damaged(self.path, self.position, f"more than {self.most} bytes (ingest.unpacked.bytes)")
        return data

    def _unpacked(self, size: int) -> bytes:
        size = size if size > 0 else _BLOCK
        while True:
            if self.decompressor.eof and not self._next_part():
                return b""
            data, asked = b"", self.decompressor.needs_input
            if asked:
                data = self.waiting or self.packed.read(_BLOCK)
                self.waiting = b""
            if made := self.decompressor.decompress(data, max_length=size):
                return bytes(made)
            if asked and not data and not self.decompressor.eof:
                raise EOFError("the packed data end too early")

    def _next_part(self) -> bool:
        """Files put together (`cat a.gz b.gz`) unpack as one. Zeros behind the last are padding."""
        rest = (self.decompressor.unused_data or self.packed.read(_BLOCK)).lstrip(b"\0")
        if not rest or self.make is None:
            return False
        self.decompressor, self.waiting = self.make(), rest
        return True

    def close(self) -> None:
        self.packed.close()
        if self.inside is not None:
            self.inside.close()
        super().close()
