"""Watches from the targets of KPIs, also of those that people make, as files that alerting reads like any other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import yaml

from alerting.from_target import Level, TargetWatch, from_target
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
    """The watch of a KPI's target and thresholds, of all entities and of some; None where it has none of them.

    Ratios are held to them with a confidence guard; formulas, whose parts are not stored, by the worst bucket.
    """
    levels = levels_of(one)
    if not levels:
        return None
    resolution = 3600 if 3600 in one.resolutions else 86400
    return from_target(
        one.id,
        levels=levels,
        bad="high" if one.bad == "high" or (one.bad == "both" and _at_most(one)) else "low",
        kind=_kind(one),
        unit=one.unit,
        title=one.name,
        entity_types=one.dimensions or _ANY,
        resolution_sec=resolution,
        least_sample=_least(one),
        every="5m" if resolution == 3600 else "1h",
        owner=one.owner,
    )


def levels_of(one: Tracked) -> list[Level]:
    """Mild ones first: the target, then each level's threshold; of all entities, and what single ones have in their place."""
    tiered = bool(one.limits.thresholds) or any(limits.thresholds for limits in one.per_entity.values())
    target = one.limits.target
    own_targets = {entity: own.target.value for entity, own in one.per_entity.items() if own.target is not None}
    # A missed target is as bad as the mildest threshold: a value that goes on falling must not become milder.
    found = [Level(LEVELS[0] if tiered else "minor", target.value if target else None, own_targets, "target")]
    for word in LEVELS:
        own = {
            entity: limits.thresholds[word] for entity, limits in one.per_entity.items() if word in limits.thresholds
        }
        found.append(Level(word, one.limits.thresholds.get(word), own, f"{word} limit"))
    return [level for level in found if level.values]


def _at_most(one: Tracked) -> bool:
    targets = [one.limits.target, *(own.target for own in one.per_entity.values())]
    return next((target.op == "<=" for target in targets if target is not None), True)


def write_watches(registry: Registry, folder: Path, names: Sequence[str] = ()) -> Made:
    """Writes a file for each active KPI with a target or threshold (`names`: of these only) into a folder of watches.

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
