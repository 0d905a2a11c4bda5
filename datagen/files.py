"""Files that appear complete under their name, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

CDR_FOLDER = (
    "cdr"  # CDR files only, so that a folder of them can be ingested whole; truth and customers stand beside it
)


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """The file appears complete under its name, or not at all; until then it is a dot file ending in `.part`.

    Content that comes in pieces is written piece by piece.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as out:
            for piece in (content,) if isinstance(content, bytes) else content:
                out.write(piece)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def size_in_words(size: float) -> str:
    """`3.2 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return re.sub(r"\.0$", "", f"{size:.1f}") + f" {unit}"
        size /= 1000
    return f"{size:.1f} TB"
