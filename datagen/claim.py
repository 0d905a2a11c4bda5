"""Whose a folder is: files of two different runs in one folder would contradict the truth file beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from contracts.errors import UserError
from datagen.files import CDR_FOLDER, write_whole

NAME = "run.json"
_REMEDY = "name an empty folder, or remove this one"


def check_folder(out: Path, request: dict[str, Any]) -> None:
    """Raises UserError when `out` holds files of another request; those of the same are written again, byte for byte."""
    folder = next(place for place in (out, *out.absolute().parents) if place.exists())
    if not folder.is_dir():
        raise UserError("is a file, not a folder", where=str(folder), remedy="name another folder")
    try:
        found = orjson.loads((out / NAME).read_bytes())
    except FileNotFoundError:
        stray = next((path for path in (out / CDR_FOLDER).glob("*/*") if path.is_file()), None)
        if stray is not None:
            raise UserError(f"{stray.relative_to(out)} is not of this run", where=str(out), remedy=_REMEDY) from None
        return
    except (OSError, orjson.JSONDecodeError) as problem:
        raise UserError(f"cannot be read: {problem}", where=str(out / NAME), remedy=_REMEDY) from problem
    for key, value in request.items():
        if not isinstance(found, dict) or found.get(key, value) != value:
            what = f"holds the files of a run with another {key}; they would mix with the ones asked for"
            raise UserError(what, where=str(out), remedy=_REMEDY)


def claim(out: Path, request: dict[str, Any]) -> None:
    write_whole(out / NAME, orjson.dumps(request, option=orjson.OPT_INDENT_2) + b"\n")
