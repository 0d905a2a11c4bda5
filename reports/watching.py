"""Watches from the targets of KPIs, also of those that people make, as files that alerting reads like any other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import yaml

from alerting.from_target import TargetWatch, from_target
from contracts.entities import ENTITY_TYPES
from contracts.errors import UserError
from kpis.tracking import LEVELS, Registry, Tracked
from kpis.whole_files import put, write_whole

MARK = "# Made by `busyhour kpi watches` from the target of a KPI: change the target, not this file.\n"
_ANY = (*ENTITY_TYPES, "network", "region", "team", "agent")


class Made(NamedTuple):
    """Names of files: written anew or changed, as they were, and removed since their KPI has no target any more."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


def watch_of(one: Tracked) -> TargetWatch | None:
    """The watch of a KPI's target, else of its mildest threshold; None where it has neither.

    Ratios are held to it with a confidence guard; formulas, whose parts are not stored, by the worst bucket.
    """
    limit, severity = _limit(one)
    if limit is None:
        return None
    op, value = limit
    resolution = 3600 if 3600 in one.resolutions else 86400
    return from_target(
        one.id,
        target=value,
        bad="low" if op == ">=" else "high",
        kind=_kind(one),
        unit=one.unit,
        title=one.name,
        entity_types=one.dimensions or _ANY,
        resolution_sec=resolution,
        least_sample=_least(one),
        severity=severity,
        every="5m" if resolution == 3600 else "1h",
        owner=one.owner,
    )


def write_watches(registry: Registry, folder: Path, names: Sequence[str] = ()) -> Made:
    """Writes a file for each active KPI with a target (`names`: of these only) into a folder of watches.

    Files that this function made before, of KPIs that have no target any more, are removed; no other file is touched.
    Raises UserError where a watch of one's own has the name already, before anything is written.
    """
    chosen = [registry.find(name) for name in names] or registry.active()
    made = {f"{found.id}.yml": _text(found) for one in chosen if (found := watch_of(one)) is not None}
    foreign = [name for name in made if (folder / name).exists() and not _ours(folder / name)]
    if foreign:
        raise UserError(
            f"{foreign[0]} is a watch of somebody's own", where=str(folder), remedy="rename it, or take another folder"
        )
    written = [name for name, text in made.items() if not _same(folder / name, text)]
    for name in written:
        text = made[name]
        write_whole(folder / name, partial(put, body=text.encode()))
    stale = (
        [] if names else [path for path in sorted(folder.glob("target-*.yml")) if path.name not in made and _ours(path)]
    )
    for path in stale:
        path.unlink(missing_ok=True)
    unchanged = tuple(name for name in made if name not in written)
    return Made(tuple(written), unchanged, tuple(path.name for path in stale))


def _limit(one: Tracked) -> tuple[tuple[str, float] | None, str]:
    if one.limits.target is not None:
        return (one.limits.target.op, one.limits.target.value), "minor"
    level = next((each for each in LEVELS if each in one.limits.thresholds), None)
    if level is None:
        return None, ""
    return ("<=" if one.bad == "high" else ">=", one.limits.thresholds[level]), level


def _kind(one: Tracked) -> str:
    if one.merge == "sum":
        return "count"
    parted = one.merge == "parts" or (one.merge == "mean" and one.source != "usage")
    if not parted:
        return "worst"
    guarded = one.unit == "ratio" and one.source in (
        "cdr",
        "store",
    )  # of counted records, so that Wilson's interval holds
    return "ratio" if guarded else "mean"


def _least(one: Tracked) -> int:
    if one.merge == "sum":
        return 0
    return max(one.least_sample, 1)


def _text(found: TargetWatch) -> str:
    return MARK + yaml.safe_dump(found.content, sort_keys=False, allow_unicode=True, width=130)


def _ours(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline() == MARK


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
