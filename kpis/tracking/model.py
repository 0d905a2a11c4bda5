"""What a tracked KPI is, wherever its values come from, and what it is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from kpis import definitions
from kpis.definitions import Bad, Definition
from kpis.expressions import Aggregate, Node
from kpis.formulas import Formula
from kpis.parts import RESOLUTIONS

LEVELS = ("warning", "minor", "major", "critical")  # of thresholds, mild first (ITU-T X.733 perceived severity)
KINDS = ("cdr", "store", "formula", "manual", "usage", "http", "prometheus", "file", "written")
Merge = Literal["sum", "mean", "max", "parts", "bins", "formula"]
WHOLE = "network:all"  # entity of what is not told apart


@dataclass(frozen=True, slots=True)
class Target:
    """`op`: `>=` or `<=`, what the value should be to `value`."""

    op: Literal[">=", "<="]
    value: float

    def holds(self, value: float) -> bool:
        return value >= self.value if self.op == ">=" else value <= self.value


@dataclass(frozen=True, slots=True)
class Limits:
    """What values are held against. `thresholds`: by level, breached when the value is beyond in the bad direction."""

    target: Target | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def over(self, other: Limits) -> Limits:
        """These laid over others: a target or threshold of a level that is said here counts."""
        return Limits(self.target or other.target, {**other.thresholds, **self.thresholds})

    def breached(self, value: float, bad: Bad) -> str:
        """The worst level whose threshold is crossed; `target` where only that is missed; "" where all is well."""
        low = bad == "low" or (bad == "both" and self.target is not None and self.target.op == ">=")
        for level in reversed(LEVELS):
            limit = self.thresholds.get(level)
            if limit is not None and (value < limit if low else value > limit):
                return level
        return "" if self.target is None or self.target.holds(value) else "target"


@dataclass(frozen=True, slots=True)
class Measure:
    """How a KPI is made from an index: aggregates per bucket of `time`, as in kpis/expressions.py.

    `entities`: type → field; "" for the whole (`network:all`). `elapsed`: from and to, two date fields, whose distance in
    seconds is the field `elapsed.sec`. `zero`: no record is 0, since the index is the truth about it.
    """

    kind: Literal["ratio", "count", "mean"]
    index: str
    time: str
    numerator: tuple[Aggregate, ...]
    denominator: tuple[Aggregate, ...]
    entities: Mapping[str, str]
    where: Node | None = None
    elapsed: tuple[str, str] | None = None
    per: Literal["call", "record", ""] = ""
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Tracked:
    """One KPI. `version` is what its points carry; `revision` counts what people wrote of it (0: as shipped).

    `source`: one of KINDS; `details`: what the source needs. `resolutions`: lengths of its buckets, seconds, finest first.
    `merge`: how points are put together to longer ones. `limits_of` what an entity is held against.
    """

    id: str
    name: str
    group: str
    unit: str
    bad: Bad
    standard: str
    source: str
    version: int
    merge: Merge
    resolutions: tuple[int, ...]
    dimensions: tuple[str, ...] = ()
    owner: str = ""
    meaning: str = ""
    service: str = ""
    least_sample: int = 0
    limits: Limits = Limits()
    per_entity: Mapping[str, Limits] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    formula: Formula | None = None
    measure: Measure | None = None
    cdr: Definition | None = None
    shipped: bool = True
    revision: int = 0
    active: bool = True

    @property
    def counts(self) -> bool:
        """Whether it comes with a connected or generated source: what only people know does not."""
        return self.source != "manual"

    @property
    def origin(self) -> str:
        return self.source if self.source != "written" else str(self.details.get("origin", "written"))

    def limits_of(self, entity: str) -> Limits:
        """The entity's own over those of all."""
        own = self.per_entity.get(entity)
        return own.over(self.limits) if own else self.limits

    def definition(self) -> Definition:
        """The same in the form that forecasts and detectors take, with the target of all entities."""
        target = self.limits.target
        if self.cdr is not None:
            return replace(
                self.cdr,
                target=target.value if target else None,
                target_op=target.op if target else "",
            )
        return Definition(
            id=self.id,
            alias=self.id.upper(),
            version=self.version,
            title=self.name,
            service=self.service,
            source=self.source,
            standard=self.standard,
            kind=_kind(self),
            unit=self.unit,
            bad=self.bad,
            target=target.value if target else None,
            target_op=target.op if target else "",
            least_sample=self.least_sample,
            weight=0.0,
            dimensions=self.dimensions,
            meaning=self.meaning,
        )


def _kind(tracked: Tracked) -> definitions.Kind:
    if tracked.unit == "ratio":
        return "ratio"
    return "count" if tracked.merge == "sum" else "mean"


def of_catalogue(definition: Definition, group: str) -> Tracked:
    """A KPI of the roll-up's catalogue as a tracked one."""
    merge: Merge = "parts"
    if definition.kind == "percentile":
        merge = "bins"
    elif definition.kind == "count" or (definition.spread is not None and definition.spread.amount is not None):
        merge = "sum"
    target = None
    if definition.target is not None:
        target = Target("<=" if definition.target_op == "<=" else ">=", definition.target)
    return Tracked(
        id=definition.id,
        name=definition.title,
        group=group,
        unit=definition.unit,
        bad=definition.bad,
        standard=definition.standard,
        source="cdr",
        version=definition.version,
        merge=merge,
        resolutions=tuple(seconds for seconds in RESOLUTIONS if seconds >= definition.finest_sec),
        dimensions=definition.dimensions,
        service=definition.service,
        least_sample=definition.least_sample,
        limits=Limits(target),
        cdr=definition,
    )
