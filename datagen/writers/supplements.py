"""What formats have and the generator's tables lack: `supplements.yml`, read once and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from datagen.definitions import known, load, mapping, one_of

PATH = Path(__file__).with_name("supplements.yml")
PRESENT, ABSENT = "present", "absent"
Test = str | tuple[str, ...]  # present, absent, or the words of which the field has one


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a text, where every test holds."""

    text: str
    when: Mapping[str, Test] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordOf:
    """One record that a row of the table becomes. `set`: fields with one value; `copy`: field ← field."""

    time: str
    when: Mapping[str, Test]
    set: Mapping[str, str | int]
    copy: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Supplement:
    """See `supplements.yml`. A column with no ways is not written."""

    columns: Mapping[str, tuple[Way, ...]] = field(default_factory=dict)
    records: tuple[RecordOf, ...] = ()
    strings: bool = False
    beside: str = ""
    members: Mapping[str, tuple[Way, ...]] = field(default_factory=dict)
    lossy: Mapping[str, str] = field(default_factory=dict)


NOTHING = Supplement()


@cache
def supplements(path: Path = PATH) -> dict[str, Supplement]:
    """By layout. Raises DefinitionError that names file and key."""
    return {str(name): _supplement(row or {}, f"{path}: {name}") for name, row in load(path).items()}


def _supplement(row: Any, where: str) -> Supplement:
    known(mapping(row, where), where, [], ["columns", "records", "strings", "with", "members", "lossy"])
    return Supplement(
        columns={name: _ways(spec, f"{where}: {name}") for name, spec in row.get("columns", {}).items()},
        records=tuple(_record(each, f"{where}: records") for each in row.get("records", ())),
        strings=bool(row.get("strings", False)),
        beside=str(row.get("with", "")),
        members={name: _ways(spec, f"{where}: {name}") for name, spec in row.get("members", {}).items()},
        lossy={str(name): str(why) for name, why in row.get("lossy", {}).items()},
    )


def _ways(spec: Any, where: str) -> tuple[Way, ...]:
    if spec is None:
        return ()
    return tuple(_way(each, where) for each in (spec if isinstance(spec, list) else [spec]))


def _way(spec: Any, where: str) -> Way:
    if not isinstance(spec, dict):
        return Way(str(spec))
    known(spec, where, ["text", "if"])
    return Way(str(spec["text"]), _tests(spec["if"], where))


def _tests(spec: Any, where: str) -> dict[str, Test]:
    tests: dict[str, Test] = {}
    for name, test in mapping(spec, where).items():
        tests[name] = tuple(map(str, test)) if isinstance(test, list) else one_of(test, (PRESENT, ABSENT), where)
    return tests


def _record(spec: Any, where: str) -> RecordOf:
    known(mapping(spec, where), where, ["time"], ["if", "set", "copy"])
    return RecordOf(str(spec["time"]), _tests(spec.get("if", {}), where), spec.get("set", {}), spec.get("copy", {}))
