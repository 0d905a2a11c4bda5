"""Reading the generator's YAML: every key known, every value of its type, refused by file, key and nearest right name."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from contracts.errors import DefinitionError

FOLDER = Path(__file__).resolve().parent
_SHORT = reprlib.Repr()  # a few YAML aliases can stand for gigabytes: what is refused is never written out whole
_SHORT.maxstring = _SHORT.maxother = 120
_SHORT.maxlevel = 2
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNSAFE = set(",;\"'\n\r\t")


def load(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises DefinitionError when it cannot be read or is none."""
    try:
        content = yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506  a safe one, the quicker of the two
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise DefinitionError(f"cannot be read: {problem}", where=str(path)) from problem
    return mapping(content, str(path))


def mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise DefinitionError("is not a mapping of names to values", where=where)
    return value


def shown(value: Any) -> str:
    """A value as an error quotes it: short, however large it is."""
    return _SHORT.repr(value)


def plain(value: Any, where: str) -> str:
    """The text of a single value. Raises DefinitionError on a list or mapping."""
    if isinstance(value, list | tuple | set | dict):
        raise DefinitionError(f"{shown(value)} is not a single value", where=where)
    return str(value)


def nearest(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def known(value: Mapping[str, Any], where: str, required: Iterable[str], optional: Iterable[str] = ()) -> None:
    """Raises DefinitionError on a key that is unknown or absent."""
    required = list(required)
    names = [*required, *optional]
    for key in value:
        if key not in names:
            raise DefinitionError(f"unknown key {shown(key)}{nearest(key, names)}", where=where)
    for key in required:
        if key not in value:
            raise DefinitionError(f"key {key!r} is missing", where=where)


def number(value: Any, where: str, low: float, high: float) -> float:
    """A number within bounds, both included."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise DefinitionError(f"{shown(value)} is not a number from {low:g} to {high:g}", where=where)
    return float(value)


def name(value: Any, where: str) -> str:
    """A text that can stand in any file format without quoting."""
    if not isinstance(value, str) or not value or _UNSAFE & set(value) or value != value.strip():
        raise DefinitionError(f"{shown(value)} is not a plain name (no commas, quotes or line ends)", where=where)
    return value


def one_of(value: Any, choices: Iterable[str], where: str) -> str:
    choices = list(choices)
    if value not in choices:
        hint = nearest(value, choices) if isinstance(value, str) else ""
        raise DefinitionError(f"{shown(value)} is not one of {', '.join(choices)}{hint}", where=where)
    return str(value)
