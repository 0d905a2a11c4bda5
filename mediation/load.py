"""Read layout files and refuse bad ones, naming file, key, value and the nearest right name."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from contracts.errors import LayoutError
from mediation.layout import (
    DERIVED_KINDS,
    Column,
    Condition,
    Derived,
    Flag,
    Format,
    Layout,
    NumberField,
    Target,
    TimeField,
)
from mediation.rules import broken_rules
from mediation.schema import LAYOUT

FOLDER = Path(__file__).parent / "layouts"
_VALIDATOR = Draft202012Validator(LAYOUT)
_SEPARATORS = {"csv": ",", "pairs": ";"}


class _Yaml(yaml.CSafeLoader):
    """Refuses a key that occurs twice, which plain YAML readers take silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key)
            if name in seen:
                raise yaml.YAMLError(f"key {name!r} occurs twice, line {key.start_mark.line + 1}")
            seen.add(name)
        return super().construct_mapping(node, deep)


def load_layouts(folder: Path = FOLDER, own: Path | None = None) -> dict[str, Layout]:
    """Every layout in `folder` and `own`, by name. Raises LayoutError on the first bad one, or when two cannot be told apart."""
    layouts: dict[str, Layout] = {}
    headers: dict[tuple[str, ...], str] = {}
    for path in (*sorted(folder.glob("*.yml")), *_own(own)):
        layout = load_layout(path)
        if layout.name in layouts:
            raise LayoutError(f"there is a layout {layout.name} already", where=str(path), remedy="choose another name")
        key = (layout.separator, *sorted(layout.header)) if layout.headed else (layout.name,)
        twin = headers.setdefault(key, layout.name)
        if twin != layout.name:
            raise LayoutError(
                f"same columns and separator as layout {twin}, so that a file's header cannot tell them apart",
                where=str(path),
            )
        layouts[layout.name] = layout
    return layouts


def _own(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    if not folder.is_dir():
        raise LayoutError(
            "no such folder", where=str(folder), remedy="correct layouts.folder (BUSYHOUR_LAYOUTS_FOLDER)"
        )
    return sorted(folder.glob("*.yml"))


def load_layout(path: Path) -> Layout:
    """One checked layout. Raises LayoutError."""
    try:
        state = path.stat()
    except OSError as error:
        raise LayoutError(str(error), where=str(path)) from error
    return _loaded(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=128)
def _loaded(path: Path, _changed: int, _size: int) -> Layout:
    """A layout is read and checked again when its file has changed; to check all that are shipped takes a tenth of a second."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Yaml)  # noqa: S506  a SafeLoader
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise LayoutError(" ".join(str(error).split()), where=str(path)) from error
    for complaint in complaints(data):
        raise LayoutError(complaint, where=str(path), remedy="the keys are explained in mediation/layout.py")
    if data["layout"] != path.stem:
        raise LayoutError(f"layout: {data['layout']!r} is not the file's name {path.stem!r}", where=str(path))
    return build(data)


def complaints(data: Any) -> Iterator[str]:
    """What is wrong with a layout's data, one sentence each, each beginning with the key."""
    found = False
    for error in sorted(_VALIDATOR.iter_errors(data), key=lambda error: [str(part) for part in error.absolute_path]):
        found = True
        yield _sentence(error)
    if not found:
        yield from broken_rules(build(data))


def _sentence(error: ValidationError) -> str:
    if error.validator == "oneOf" and error.context:
        close = [sub for sub in error.context if sub.validator != "type"] or list(error.context)
        error = close[0]
    where = ".".join(str(part) for part in error.absolute_path) or "layout"
    if (
        error.validator == "additionalProperties"
        and isinstance(error.instance, dict)
        and isinstance(error.schema, dict)
    ):
        known = list(error.schema["properties"])
        wrong = next(str(key) for key in error.instance if key not in known)
        return f"{where}: unknown key {wrong!r}{nearest(wrong, known)}"
    if error.validator == "enum":
        allowed: Any = error.validator_value
        known = [str(word) for word in allowed]
        return f"{where}: {error.instance!r} is not one of {', '.join(known)}{nearest(str(error.instance), known)}"
    return f"{where}: {error.message}"


def check_known(name: str | None, known: Mapping[str, Layout]) -> None:
    """Raises LayoutError on the name of a layout, given by a user, that there is not."""
    if name is not None and name not in known:
        raise LayoutError(
            f"unknown layout {name!r}{nearest(name, list(known))}",
            where="--layout",
            remedy=f"one of {', '.join(known)}",
        )


def nearest(name: str, known: list[str]) -> str:
    """`; did you mean X?`, empty when nothing is near."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def build(data: dict[str, Any]) -> Layout:
    """A layout from data that the schema has accepted."""
    return Layout(
        name=data["layout"],
        title=data["title"],
        family=data["family"],
        runners=tuple(data["runners"]),
        format=_format(data["format"]),
        encoding=data.get("encoding", "utf-8"),
        files=tuple(data.get("files", ())),
        timezone=data["timezone"],
        columns=tuple(_column(column) for column in data["columns"]),
        times=tuple(_time(time) for time in data["times"]),
        targets=tuple(Target(target["service"], _conditions(target.get("when", {}))) for target in data["target"]),
        constants=data.get("constants", {}),
        derived=tuple(_derived(derived) for derived in data.get("derive", [])),
        locals=data.get("locals", {}),
        flags=tuple(Flag(flag["flag"], _conditions(flag["when"])) for flag in data.get("flags", [])),
        identity=tuple(data["identity"]),
        numbers=tuple(NumberField(**number) for number in data.get("numbers", [])),
    )


def _format(data: dict[str, Any]) -> Format:
    given = {"separator": _SEPARATORS.get(data["kind"], ""), **data}
    return Format(**{**given, "counts": tuple(data.get("counts", ()))})


def _column(data: dict[str, Any]) -> Column:
    values = data.get("values")
    return Column(
        name=data["name"],
        raw=data.get("as", ".".join(filter(None, (data["name"], data.get("part"))))),
        part=data.get("part", ""),
        optional=data.get("optional", False),
        absent=tuple(data.get("absent", ())),
        field=data.get("field", ""),
        type=data.get("type", "keyword"),
        required=data.get("required", False),
        divide_by=data.get("divide_by", 1),
        low=data.get("min"),
        high=data.get("max"),
        values={word: word for word in values} if isinstance(values, list) else values,
        otherwise=data.get("otherwise", "reject"),
        pii=data.get("pii", "keep"),
        keep_characters=data.get("keep_characters", 0),
        only=tuple(data.get("only", ())),
    )


def _time(data: dict[str, Any]) -> TimeField:
    return TimeField(
        field=data["field"],
        columns=tuple(data.get("columns", ())),
        formats=tuple(data.get("formats", ())),
        required=data.get("required", False),
        paced_by=data.get("paced_by", ""),
        only=tuple(data.get("only", ())),
    )


def _derived(data: dict[str, Any]) -> Derived:
    kind: Any = next((kind for kind in DERIVED_KINDS if kind in data), "copy")
    given = data.get(kind, [])
    field, only, when = data["field"], tuple(data.get("only", ())), _conditions(data.get("when", {}))
    if kind == "map":
        return Derived(field, kind, (given["field"],), given["values"], given.get("otherwise"), only, when)
    if kind == "value":
        return Derived(field, kind, (), otherwise=given, only=only, when=when)
    if kind in ("release_name", "release_fault"):
        return Derived(field, kind, tuple(given.values()), given, only=only, when=when)
    return Derived(field, kind, (given,) if isinstance(given, str) else tuple(given), only=only, when=when)


def _conditions(when: dict[str, Any]) -> tuple[Condition, ...]:
    return tuple(_condition(field, test) for field, test in when.items())


def _condition(field: str, test: Any) -> Condition:
    if isinstance(test, list):
        return Condition(field, "in", values=tuple(test))
    if "from" in test:
        return Condition(field, "range", low=test["from"], high=test["to"])
    kind = next(iter(test))
    if kind in ("before", "below"):
        return Condition(field, kind, other=test[kind])
    return Condition(field, kind)
