"""What a file is: its fingerprint, and the layout that its header names. What is no text of ours is refused by name."""

from __future__ import annotations

import hashlib
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import LayoutError, UserError
from mediation.collect import unreadable
from mediation.layout import Layout
from mediation.values import WHITE_SPACE, quoted_splitter

FINGERPRINT_BYTES = 1024  # Filebeat's default
BOM = b"\xef\xbb\xbf"
_HEADER_BYTES = 65_536
_SHOWN = 200
_PACKED = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz", "unxz"),
    b"PK\x03\x04": ("zip", "unzip"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
}
_WIDE = {
    b"\xff\xfe\x00\x00": "UTF-32LE",
    b"\x00\x00\xfe\xff": "UTF-32BE",
    b"\xff\xfe": "UTF-16LE",
    b"\xfe\xff": "UTF-16BE",
}


_CONTROL = frozenset(range(32)) - set(b"\t\n\f\r")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be read. `layout` None: nothing in it but blank lines. `header`: its columns in its own order."""

    path: Path
    size: int
    fingerprint: str
    layout: Layout | None = None
    header: tuple[str, ...] = ()
    header_line: bytes = b""


def inspect(path: Path, layouts: Mapping[str, Layout], wanted: str | None = None) -> Source:
    """Opens a file and recognises it; `wanted` (a key of `layouts`) names the only one it may have.

    Raises UserError: not readable, packed, binary, wrong encoding; LayoutError: no layout has its header.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UserError("is not a regular file", where=str(path), remedy="give files or folders of files")
        with path.open("rb") as stream:
            head = stream.read(_HEADER_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error
    fingerprint = hashlib.sha256(head[:FINGERPRINT_BYTES]).hexdigest()
    _refuse_packed(path, head)
    line = next((line for line in head.removeprefix(BOM).split(b"\n") if line.rstrip(b"\r")), b"").rstrip(b"\r")
    if not line:
        return Source(path, status.st_size, fingerprint)
    try:
        layout, header = recognise(_decoded(path, line), layouts, str(path), wanted)
    except UserError as error:
        if any(byte in _CONTROL for byte in head[:FINGERPRINT_BYTES]):
            raise UserError("is a binary file, not text", where=str(path), remedy="give CSV files in UTF-8") from error
        raise
    return Source(path, status.st_size, fingerprint, layout, header, line)


def _refuse_packed(path: Path, head: bytes) -> None:
    for mark, (name, tool) in _PACKED.items():
        if head.startswith(mark):
            raise UserError(f"is packed ({name})", where=str(path), remedy=f"unpack it first, with `{tool}`")
    for mark, encoding in _WIDE.items():
        if head.startswith(mark):
            raise UserError(f"is {encoding}, not UTF-8", where=str(path), remedy=_convert(encoding))


def _convert(encoding: str) -> str:
    return f"convert it first: iconv -f {encoding} -t UTF-8 IN > OUT"


def _decoded(path: Path, line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        what = f"header is not UTF-8 at byte {error.start + 1}"
        raise UserError(what, where=str(path), remedy=_convert("ISO-8859-1")) from error


def recognise(
    line: str, layouts: Mapping[str, Layout], where: str, wanted: str | None = None
) -> tuple[Layout, tuple[str, ...]]:
    """The layout whose columns a header line names, in any order, and the order. Raises LayoutError."""
    candidates = [layouts[wanted]] if wanted else list(layouts.values())
    for layout in candidates:
        cells = header_cells(line, layout)
        if cells is not None and sorted(cells) == sorted(layout.header):
            return layout, cells
    raise LayoutError(_difference(line, candidates), where=where, remedy=_remedy(wanted))


def _remedy(wanted: str | None) -> str:
    return (
        "leave --layout out" if wanted else "correct the header, or add a layout for this format to mediation/layouts"
    )


def header_cells(line: str, layout: Layout) -> tuple[str, ...] | None:
    """Cells of a header line as `layout` reads it; None on broken quoting."""
    cells = quoted_splitter(layout.separator)(line)
    if cells is None:
        return None
    return tuple(cell.strip(WHITE_SPACE) for cell in cells) if layout.strip else tuple(cells)


def _difference(line: str, candidates: list[Layout]) -> str:
    """The header seen, the layout nearest to it, and the columns that differ."""

    def distance(layout: Layout) -> int:
        cells = Counter(header_cells(line, layout) or ())
        wants = Counter(layout.header)
        return (cells - wants).total() + (wants - cells).total()

    near = min(candidates, key=distance)
    cells = Counter(header_cells(line, near) or ())
    missing, unknown = Counter(near.header) - cells, cells - Counter(near.header)
    parts = [f"lacks {_names(missing)}"] if missing else []
    parts += [f"has {_names(unknown)}"] if unknown else []
    seen = line if len(line) <= _SHOWN else line[:_SHOWN] + "…"
    return f"unknown header {seen!r}; nearest is layout {near.name}, of which it {' and '.join(parts) or 'breaks the quoting'}"


def _names(cells: Counter[str]) -> str:
    names = [repr(name) for name in cells.elements()]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
