"""YAML with the line of every key, so that a refusal says where: `file:line: what is wrong; did you mean …?`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from contracts.errors import DefinitionError

MOST_BYTES = 1_000_000  # of a definition file; more is no definition
_DEEPEST = 20
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Row(dict[str, Any]):
    """A YAML mapping that knows the file and the line of each of its keys."""

    def __init__(self, path: str, line: int) -> None:
        super().__init__()
        self.path, self.line = path, line
        self.lines: dict[str, int] = {}

    def where(self, key: str = "") -> str:
        """`file:line` of a key, or of the mapping itself."""
        return f"{self.path}:{self.lines.get(key, self.line)}"

    def refuse(self, what: str, key: str = "") -> DefinitionError:
        return DefinitionError(what, where=self.where(key))


def read(path: Path) -> Row:
    """The mapping that a YAML file holds. Raises DefinitionError with the line."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DefinitionError(f"is larger than {MOST_BYTES} bytes", where=str(path))
        content = path.read_text(encoding="utf-8")
        for event in yaml.parse(content, Loader=_LOADER):  # a few aliases of aliases would grow without bound
            if isinstance(event, yaml.AliasEvent):
                raise DefinitionError("has an alias; write it out", where=f"{path}:{_line(event.start_mark)}")
        node = yaml.compose(content, Loader=_LOADER)
        value = _value(node, str(path), 0, SafeConstructor()) if node is not None else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{_line(mark)}" if mark is not None else str(path)
        raise DefinitionError(" ".join(str(getattr(error, "problem", None) or error).split()), where=where) from error
    except (OSError, ValueError, RecursionError) as error:  # text that is not UTF-8, a date that is none
        raise DefinitionError(" ".join(str(error).split()), where=str(path)) from error
    if not isinstance(value, Row):
        raise DefinitionError("holds no keys", where=str(path))
    return value


def _line(mark: Any) -> int:
    return int(mark.line) + 1


def _value(node: yaml.Node, path: str, depth: int, scalars: SafeConstructor) -> Any:
    line = _line(node.start_mark)
    if depth > _DEEPEST:
        raise DefinitionError(f"is nested more than {_DEEPEST} deep", where=f"{path}:{line}")
    if isinstance(node, yaml.MappingNode):
        row = Row(path, line)
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in row:
                raise DefinitionError(f"{key!r} stands there twice", where=f"{path}:{_line(key_node.start_mark)}")
            row[key] = _value(value_node, path, depth + 1, scalars)
            row.lines[key] = _line(key_node.start_mark)
        return row
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, path, depth + 1, scalars) for child in node.value]
    return scalars.construct_object(node, deep=True)


def keys(row: Row, needed: Iterable[str], possible: Iterable[str] = ()) -> None:
    """Raises DefinitionError on an unknown key, naming the nearest right one, and on a key that lacks."""
    needed = set(needed)
    known = needed | set(possible)
    for key in row:
        if key not in known:
            raise row.refuse(f"unknown key {key!r}{nearest(key, known)}", key)
    for key in sorted(needed - set(row)):
        raise row.refuse(f"lacks {key!r}")


def rows(row: Row, key: str) -> Iterator[Row]:
    """The mappings of a list. Raises DefinitionError where it is no list of mappings."""
    for child in _list(row, key):
        if not isinstance(child, Row):
            raise row.refuse(f"{key}: {child!r} is no mapping", key)
        yield child


def text(row: Row, key: str, default: str = "") -> str:
    value = row.get(key, default)
    if not isinstance(value, str) or (key in row and not value.strip()):
        raise row.refuse(f"{key}: {value!r} is no text", key)
    return value


def texts(row: Row, key: str) -> tuple[str, ...]:
    values = _list(row, key)
    for value in values:
        if not isinstance(value, str) or not value.strip():
            raise row.refuse(f"{key}: {value!r} is no text", key)
    return tuple(values)


def numbers(row: Row, key: str, count: int) -> tuple[int, ...]:
    values = _list(row, key)
    if len(values) != count or not all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        raise row.refuse(f"{key}: {values!r} is not {count} whole numbers", key)
    return tuple(values)


def number(row: Row, key: str) -> float:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise row.refuse(f"{key}: {value!r} is no number", key)
    return float(value)


def one_of(row: Row, key: str, known: Mapping[str, Any] | Iterable[str]) -> str:
    value, names = row.get(key), list(known)
    if value not in names:
        raise row.refuse(f"{key}: {value!r} is not one of {', '.join(names)}{nearest(str(value), names)}", key)
    return str(value)


def nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _list(row: Row, key: str) -> list[Any]:
    value = row.get(key, [])
    if not isinstance(value, list):
        raise row.refuse(f"{key}: {value!r} is no list", key)
    return value
