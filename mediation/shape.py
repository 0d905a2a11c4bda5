"""Which layout a file without a header has: by its name where layouts say names, and by what its first records become."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

from contracts.errors import LayoutError
from contracts.outcomes import Reject
from mediation.compile import Record, compile_layout
from mediation.formats import cells_reader, records
from mediation.layout import Layout

_LOOKED_AT = 20  # records: one of them that mediates is enough
_NO_KEY = b""  # of keyed hashes, which nobody sees here
Judge = Callable[[str], Record | Reject]
_JUDGES: dict[str, tuple[Layout, Judge]] = {}


def recognise_by_shape(path: Path, head: bytes, candidates: Iterable[Layout]) -> Layout | None:
    """The one layout, of those without a header, that a file can have; None when none fits.

    `head`: the first bytes of the file, unpacked. Layouts that name such files go first. Raises LayoutError when several
    are left.
    """
    judged = {layout.name: (layout, _first_outcomes(layout, head)) for layout in candidates}
    named = {name for name, (layout, _) in judged.items() if _is_named(path, layout.files)}
    mediated = [name for name, (_, found) in judged.items() if any(isinstance(each, Record) for each in found)]
    formed = [name for name, (layout, _) in judged.items() if name in named and _has_form(layout, head)]
    left = [name for name in mediated if name in named] or mediated or formed
    if len(left) > 1:
        what = f"has no header, and may be any of the layouts {', '.join(left)}"
        raise LayoutError(what, where=str(path), remedy="say which with --layout")
    return judged[left[0]][0] if left else None


def _is_named(path: Path, patterns: Sequence[str]) -> bool:
    """A pattern with a slash is held against the end of the path, another one against the file's name."""
    name, whole = path.name, path.as_posix()
    return any(fnmatch(whole, f"*/{pattern}") if "/" in pattern else fnmatch(name, pattern) for pattern in patterns)


def _first_records(layout: Layout, head: bytes) -> list[str]:
    found = islice(records(layout, io.BytesIO(head), len(head)), _LOOKED_AT)
    return [text for _, _, raw in found if (text := raw.decode(errors="replace").rstrip("\r"))]


def _first_outcomes(layout: Layout, head: bytes) -> list[Record | Reject]:
    known = _JUDGES.get(layout.name)
    if known is None or known[0] is not layout:
        known = _JUDGES[layout.name] = layout, compile_layout(layout, _NO_KEY).mediate
    return [known[1](text) for text in _first_records(layout, head)]


def _has_form(layout: Layout, head: bytes) -> bool:
    read = cells_reader(layout)
    return any(not isinstance(read(text), Reject) for text in _first_records(layout, head))
