"""What a file is: its fingerprint, and the layout that its header names. What is no text of ours is refused by name."""

from __future__ import annotations

import hashlib
import re
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from contracts.errors import LayoutError, UserError
from mediation.collect import unreadable
from mediation.containers import MOST_BYTES, Damaged, Unpacked, archive_of, kind_of, opened
from mediation.formats import ts32297
from mediation.formats.cut import BOM as BOM
from mediation.formats.encodings import decoded_head
from mediation.layout import Layout
from mediation.shape import recognise_by_shape
from mediation.values import WHITE_SPACE, quoted_splitter

FINGERPRINT_BYTES = 1024  # Filebeat's default
_HEAD_BYTES = 262_144
_SHOWN = 200
_WIDE = {
    b"\xff\xfe\x00\x00": "UTF-32LE",
    b"\x00\x00\xfe\xff": "UTF-32BE",
    b"\xff\xfe": "UTF-16LE",
    b"\xfe\xff": "UTF-16BE",
}
_LINE, _BYTES = re.compile(r"\r*[^\r\n][^\n]*"), re.compile(rb"\r*[^\r\n][^\n]*")
_CONTROL = frozenset(range(32)) - set(b"\t\n\f\r")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be read. `layout` None: nothing in it but blank lines. `header`: its columns in its own order, if named.

    The size, the fingerprint and every offset are those of the content, unpacked; `size` -1: packed, so that nobody knows yet.
    """

    path: Path
    size: int
    fingerprint: str
    layout: Layout | None = None
    header: tuple[str, ...] = ()
    header_line: bytes = b""

    def open(self, most: int = MOST_BYTES) -> BinaryIO:
        """Its content from the beginning, unpacked. Raises OSError, `Damaged` (one, too) where a packed file ends too early."""
        return opened(self.path, most)


def inspect(path: Path, layouts: Mapping[str, Layout], wanted: str | None = None) -> Source:
    """Opens a file and recognises it; `wanted` (a key of `layouts`) names the only one it may have.

    Raises UserError: not readable, binary, wrong encoding; LayoutError: no layout has its header, or several fit without one.
    """
    size, head, damage = _beginning(path)
    fingerprint = hashlib.sha256(head[:FINGERPRINT_BYTES]).hexdigest()
    if kind_of(head):
        raise UserError(f"is packed twice ({kind_of(head)})", where=str(path), remedy="unpack it once first")
    candidates = [layouts[wanted]] if wanted else list(layouts.values())
    if binary := _binary(path, head, candidates):
        return Source(path, size, fingerprint, binary)
    _refuse_wide(path, head, candidates)
    if not head.removeprefix(BOM).strip(b"\r\n"):
        if damage is not None:
            raise unreadable(path, damage) from damage
        return Source(path, size, fingerprint)
    lines = {encoding: _first_line(head, encoding) for encoding in {layout.encoding for layout in candidates}}
    for layout in candidates:
        line = lines[layout.encoding]
        cells = header_cells(line, layout) if layout.headed else None
        if cells is not None and names_columns(cells, layout):
            return Source(path, size, fingerprint, layout, cells, line.encode())
    headless = [layout for layout in candidates if not layout.headed and not layout.binary]
    layout_found = headless[0] if wanted and headless else recognise_by_shape(path, head, headless)
    if layout_found is not None:
        return Source(path, size, fingerprint, layout_found)
    raise _unknown(path, head, candidates, wanted)


def _beginning(path: Path) -> tuple[int, bytes, Damaged | None]:
    """Size (-1: packed), the first bytes, and why they are not more where the file is damaged. Raises UserError."""
    try:
        size = -1
        if archive_of(path) is None:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise UserError("is not a regular file", where=str(path), remedy="give files or folders of files")
            size = status.st_size
        with opened(path) as stream:
            head, damage = _head(stream)
            packed = isinstance(stream, Unpacked)
    except OSError as error:
        raise unreadable(path, error) from error
    return -1 if packed else size, head, damage


def _head(stream: BinaryIO) -> tuple[bytes, Damaged | None]:
    head = b""
    try:
        while len(head) < _HEAD_BYTES and (piece := stream.read(_HEAD_BYTES - len(head))):
            head += piece
    except Damaged as damage:
        return head, damage
    return head, None


def _binary(path: Path, head: bytes, candidates: list[Layout]) -> Layout | None:
    """The binary layout whose files begin so. Raises UserError where it is nearly one, naming the byte, or was asked for."""
    layouts = [layout for layout in candidates if layout.binary]
    if not layouts or not head:
        return None
    if ts32297.is_file(head):
        return layouts[0]
    if len(layouts) == len(candidates) or ts32297.is_nearly(head):
        complaint = ts32297.header_complaint(head, whole=True)
        raise UserError(
            f"is no file of 3GPP TS 32.297: {complaint}", where=str(path), remedy="ask its sender for a whole one"
        )
    return None


def _first_line(head: bytes, encoding: str) -> str:
    """The first line that is not blank, without its end; U+FFFD for what is not of the encoding."""
    if encoding != "utf-8":
        found = _LINE.search(decoded_head(encoding, head))
        return found[0].rstrip("\r") if found else ""
    return _first_bytes(head).decode(errors="replace")


def _first_bytes(head: bytes) -> bytes:
    found = _BYTES.search(head.removeprefix(BOM))
    return found[0].rstrip(b"\r") if found else b""


def _refuse_wide(path: Path, head: bytes, candidates: Iterable[Layout]) -> None:
    for mark, encoding in _WIDE.items():
        if head.startswith(mark):
            if encoding.startswith("UTF-16") and any(layout.encoding == "utf-16" for layout in candidates):
                return
            raise UserError(f"is {encoding}, not UTF-8", where=str(path), remedy=_convert(encoding))


def _convert(encoding: str) -> str:
    return f"convert it first (iconv -f {encoding} -t UTF-8 IN > OUT), or say `encoding` in a layout of your own"


def names_columns(cells: tuple[str, ...], layout: Layout) -> bool:
    """Whether header cells, in any order, are those of `layout`; which may be missing, or be there besides, is its own word."""
    return not any(_gap(cells, layout))


def _gap(cells: Iterable[str], layout: Layout) -> tuple[Counter[str], Counter[str]]:
    """Columns that a header lacks of those that `layout` needs, and those that are too many; a column twice is one too many."""
    given, known = Counter(cells), Counter(layout.header)
    missing, unknown = known - given, given - known
    for column in layout.columns:
        if column.optional:
            del missing[column.name]
    if layout.format.others == "ignore":
        unknown = Counter({name: count for name, count in unknown.items() if name in known})
    return missing, unknown


def header_cells(line: str, layout: Layout) -> tuple[str, ...] | None:
    """Cells of a header line as `layout` reads it; None on broken quoting."""
    cells = quoted_splitter(layout.separator)(line)
    if cells is None:
        return None
    return tuple(cell.strip(WHITE_SPACE) for cell in cells) if layout.strip else tuple(cells)


# What is said of a file that no layout fits


def _unknown(path: Path, head: bytes, candidates: list[Layout], wanted: str | None) -> UserError:
    line = _first_bytes(head)
    if any(byte in _CONTROL for byte in head[:FINGERPRINT_BYTES]):
        return UserError("is a binary file, not text", where=str(path), remedy="give text files in UTF-8")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        what = f"header is not UTF-8 at byte {error.start + 1}"
        return UserError(what, where=str(path), remedy=_convert("ISO-8859-1"))
    remedy = (
        "leave --layout out"
        if wanted
        else "correct the header, name the layout with --layout, or add one for this format to mediation/layouts"
    )
    return LayoutError(_difference(text, candidates), where=str(path), remedy=remedy)


def _difference(line: str, candidates: list[Layout]) -> str:
    """The header seen, the layout nearest to it, and the columns that differ."""
    seen = line if len(line) <= _SHOWN else line[:_SHOWN] + "…"
    headed = [layout for layout in candidates if layout.headed]
    if not headed:
        return f"first line {seen!r} fits no layout"

    def distance(layout: Layout) -> tuple[int, int]:
        cells = header_cells(line, layout) or ()
        return sum(gap.total() for gap in _gap(cells, layout)), -len(set(cells) & set(layout.header))

    near = min(headed, key=distance)
    missing, unknown = _gap(header_cells(line, near) or (), near)
    parts = [f"lacks {_names(missing)}"] if missing else []
    parts += [f"has {_names(unknown)}"] if unknown else []
    return f"unknown header {seen!r}; nearest is layout {near.name}, of which it {' and '.join(parts) or 'breaks the quoting'}"


def _names(cells: Counter[str]) -> str:
    names = [repr(name) for name in cells.elements()]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
