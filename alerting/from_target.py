"""A watch of a KPI's target and of its thresholds by level: pure, from the numbers to the watch's content.

An entity is held to its own limit of a level where it has one, else to that of all. It has one alert, of the worst level that is
crossed, which is revised when another one is.

A ratio misses its target only when its confidence interval does (Wilson 1927, two-sided, z below): few samples prove
nothing. Ratios and means are merged from numerators and denominators, counts are added, percentiles cannot be merged: of
these the worst point of the window decides. Without a point that has a value it is not known whether the target is met: the
alert says no data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from alerting.catalogue import watch_from
from alerting.durations import spoken
from alerting.severity import severity_word
from alerting.watch import Watch
from contracts.errors import DefinitionError
from contracts.indices import KPI_INDEX
from contracts.sentences import sentence
from kpis.compiler import constant

Z = 2.576  # 99 % confidence: with hundreds of targets asked every few minutes, 95 % would be wrong several times an hour
KINDS = ("ratio", "mean", "count", "worst")
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]|\{\{")  # the query is a template of the watch


class Level(NamedTuple):
    """`value`: the limit of all entities, None: of those of `own` alone, by `type:id`. `name`: as the reason calls it."""

    severity: str
    value: float | None
    own: Mapping[str, float] = MappingProxyType({})
    name: str = "target"

    @property
    def values(self) -> list[float]:
        return [*([] if self.value is None else [self.value]), *self.own.values()]


class TargetWatch(NamedTuple):
    """`id`: the watch's name, the same for the same KPI; `content`: as a watch file has it."""

    id: str
    content: dict[str, Any]

    def watch(self) -> Watch:
        return watch_from(self.content, self.id, f"target of {self.content['metadata']['kpi']}")


@dataclass(frozen=True, slots=True)
class _Held:
    """Points of `kpi`, of entities of `types`, over `buckets` of `resolution` seconds, held to `levels`."""

    kpi: str
    levels: Sequence[Level]
    bad: str
    kind: str
    types: Sequence[str]
    resolution: int
    buckets: int
    least: int

    @property
    def window(self) -> timedelta:
        return timedelta(seconds=self.resolution * self.buckets)

    @property
    def side(self) -> str:
        """Of a limit on which it is missed, as ES|QL writes it."""
        return "<" if self.bad == "low" else ">"

    @property
    def loosest(self) -> float:
        """The limit that is missed first."""
        values = [value for level in self.levels for value in level.values]
        return max(values) if self.bad == "low" else min(values)


def from_target(
    kpi: str,
    *,
    target: float | None = None,
    levels: Sequence[Level] = (),
    bad: str,
    kind: str = "ratio",
    unit: str = "",
    title: str = "",
    entity_types: Sequence[str] = ("service",),
    resolution_sec: int = 3600,
    buckets: int = 1,
    least_sample: int = 20,
    severity: str = "minor",
    every: str = "5m",
    owner: str = "",
) -> TargetWatch:
    """The watch that fires for each entity whose KPI misses `target`, of that `severity`, or one of `levels`, mild ones first.

    `bad`: low or high, the side on which the target is missed. `kind`: how points are put together, `ratio` (with the
    confidence guard), `mean`, `count` or `worst`. `unit`: the KPI's, for people. Judged over `buckets` of `resolution_sec`
    (300, 3600 or 86400 s) that have ended. `every`: how often. Raises DefinitionError on what cannot be.
    """
    where = f"target of {kpi}"
    limits = [*([] if target is None else [Level(severity_word(severity), target)]), *levels]
    held = _Held(kpi, limits, bad, kind, entity_types, resolution_sec, buckets, least_sample)
    _check(held, where)
    name = title or kpi
    shown = f" {unit}" if unit and unit != "ratio" else ""
    said = {"name": name, "place": "{{ctx.payload.entity.id}}", "found": f"{{{{ctx.payload.value}}}}{shown}"}
    said |= {"limit": "{{ctx.payload.name}}", "value": "{{ctx.payload.limit}}", "window": spoken(held.window)}
    said |= {"count": "{{ctx.payload.samples}}"}
    if bad == "low":
        reason = sentence(
            "%(name)s of %(place)s is %(found)s, below its %(limit)s of %(value)s over the last %(window)s "
            "(%(count)s samples)",
            **said,
        )
    else:
        reason = sentence(
            "%(name)s of %(place)s is %(found)s, above its %(limit)s of %(value)s over the last %(window)s "
            "(%(count)s samples)",
            **said,
        )
    content = {
        "metadata": {
            "purpose": f"Target of {name}: at {'least' if bad == 'low' else 'most'} {held.loosest:g}{f' {unit}' if unit else ''}",
            "kpi": kpi,
            "target": held.loosest,
            "changes": f'kpi.id == "{kpi}" AND (kpi.state != "ok" OR kpi.value {held.side} {held.loosest!r})',
            "window": spoken(held.window + timedelta(seconds=resolution_sec)),
            **({"owner": owner} if owner else {}),
            "no_data": {"each": {"compare": {"ctx.payload.known": {"eq": 0}}}},
            "alert": {
                "labels": {
                    "service": "{{ctx.payload.service.name}}",
                    "kpi": kpi,
                    "entity": "{{ctx.payload.entity.type}}:{{ctx.payload.entity.id}}",
                },
                "severity": "{{ctx.payload.severity}}",
                "summary": sentence("%(name)s of %(place)s misses its target", name=name, place=said["place"]),
                "reason": reason,
            },
        },
        "trigger": {"schedule": {"interval": every}},
        "input": {"esql": {"query": _query(held)}},
        "condition": {"compare": {"ctx.payload.count": {"gt": 0}}},
        "throttle_period": "1h",
        "actions": {
            "note": {
                "foreach": "ctx.payload.values",
                "logging": {"level": "warn", "text": "{{ctx.vars.alert.summary}}: {{ctx.vars.alert.reason}}"},
            }
        },
    }
    made = TargetWatch("target-" + re.sub(r"[^a-z0-9]+", "-", kpi.lower()).strip("-"), content)
    made.watch()  # what the catalogue would refuse is refused here
    return made


def _check(held: _Held, where: str) -> None:
    levels, types = held.levels, held.types
    problems = [
        (not _PLAIN.fullmatch(held.kpi), f"{held.kpi[:80]!r} is no id of a KPI"),
        (not any(level.values for level in levels), "has neither target nor threshold"),
        (not all(math.isfinite(value) for level in levels for value in level.values), "a limit is no number"),
        (any(_UNSAFE.search(name) for level in levels for name in level.own), "an entity's name holds what none can"),
        (held.bad not in ("low", "high"), f"{held.bad!r} is neither low nor high"),
        (held.kind not in KINDS, f"{held.kind!r} is none of {', '.join(KINDS)}"),
        (not types or not all(_PLAIN.fullmatch(one) for one in types), "names no type of entity"),
        (held.resolution not in KPI_INDEX, f"{held.resolution} s is none of {', '.join(map(str, KPI_INDEX))}"),
        (not 1 <= held.buckets <= 1000, f"{held.buckets} buckets are not within 1 to 1000"),
    ]
    for wrong, what in problems:
        if wrong:
            raise DefinitionError(what, where=where)


def _query(held: _Held) -> str:
    listed = ", ".join(f'"{one}"' for one in held.types)
    end = f'TO_DATETIME("{{{{ctx.trigger.scheduled_time}}}}") - {held.resolution} seconds'
    lines = [
        f"FROM {KPI_INDEX[held.resolution]}",
        f"| EVAL newest = {end}",
        f'| WHERE kpi.id == "{held.kpi}" AND entity.type IN ({listed})',
        f"    AND @timestamp <= newest AND @timestamp > newest - {round(held.window.total_seconds())} seconds",
        '| EVAL has_value = CASE(kpi.state IN ("ok", "insufficient_data"), 1, 0)',
        "| STATS known = SUM(has_value), samples = COALESCE(SUM(kpi.samples), 0), numerator = SUM(kpi.numerator), "
        "denominator = SUM(kpi.denominator), added = SUM(kpi.value), lowest = MIN(kpi.value), highest = MAX(kpi.value) "
        "BY service.name, entity.type, entity.id",
        f"| EVAL value = {_VALUE[held.kind](held.bad)}",
        *(_wilson(held.bad) if held.kind == "ratio" else ["| EVAL proven = value"]),
        *_crossed(held),
        f"| WHERE crossed >= 0 AND known > 0 AND samples >= {held.least} OR known == 0",
        "| KEEP service.name, entity.type, entity.id, known, samples, value, severity, name, limit",
        "| SORT service.name, entity.type, entity.id",
    ]
    return "\n".join(lines) + "\n"


def _crossed(held: _Held) -> list[str]:
    """The number of the worst level that is crossed, -1: none; its severity, name and limit of that entity."""
    levels, numbers = held.levels, range(len(held.levels))
    lines = ['| EVAL place = CONCAT(entity.type, ":", entity.id)']
    if all(level.value is None for level in levels):
        named = sorted({name for level in levels for name in level.own})
        lines.append(f"| WHERE place IN ({', '.join(map(constant, named))})")
    for number, level in enumerate(levels):
        own = [f"place == {constant(name)}, {value!r}" for name, value in sorted(level.own.items())]
        other = "TO_DOUBLE(NULL)" if level.value is None else repr(float(level.value))
        lines.append(f"| EVAL limit{number} = " + (f"CASE({', '.join([*own, other])})" if own else other))
    worst_first = ", ".join(f"proven {held.side} limit{number}, {number}" for number in reversed(numbers))
    lines.append(f"| EVAL crossed = CASE({worst_first}, -1)")
    columns = {
        "severity": ([constant(level.severity) for level in levels], '"warning"'),
        "name": ([constant(level.name) for level in levels], '"target"'),
        "limit": ([f"limit{number}" for number in numbers], "TO_DOUBLE(NULL)"),
    }
    for name, (values, without) in columns.items():
        cases = ", ".join(f"crossed == {number}, {value}" for number, value in enumerate(values))
        lines.append(f"| EVAL {name} = CASE({cases}, {without})")
    return lines


def _wilson(bad: str) -> list[str]:
    """The end of the interval that lies nearer to the target: it must miss it, too."""
    sign = "+" if bad == "low" else "-"
    z2 = Z * Z
    return [
        "| EVAL n = CASE(denominator > 0, denominator, NULL)",
        f"| EVAL half = {Z} * SQRT((value * (1 - value) + {z2 / 4:.6f} / n) / n)",
        f"| EVAL proven = (value + {z2 / 2:.6f} / n {sign} half) / (1 + {z2:.6f} / n)",
    ]


_MERGED = "CASE(denominator > 0, numerator / denominator, NULL)"
_VALUE: dict[str, Callable[[str], str]] = {
    "ratio": lambda _: _MERGED,
    "mean": lambda _: _MERGED,
    "count": lambda _: "added",
    "worst": lambda bad: "lowest" if bad == "low" else "highest",
}
