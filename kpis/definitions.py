"""What a KPI is: the `Definition` that one file of the catalogue becomes, with its aggregates parsed and checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from kpis.expressions import Aggregate, Node

Kind = Literal["ratio", "count", "mean", "percentile", "integral"]
Bad = Literal["low", "high", "both"]
Per = Literal["call", "record", ""]


@dataclass(frozen=True, slots=True)
class Spread:
    """How an integral KPI lays a record over time: from `start` to `end` (date fields), evenly.

    `amount` is the whole number a record carries (bytes); None: the time itself, in milliseconds.
    """

    start: str
    end: str
    amount: Node | None
    where: Node | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """Which numbers' calls are the numerator: those that in an hour, on one of each of the KPI's entities, behave like this.

    `caller`, `called`: fields. At least `least` calls, to different numbers but for `repeats` of them (share 0–1), and none to
    the number itself. `share` of the calls for which `where` is true, and the `mean` of `of`, lie within these bounds.
    `missing_at`: entity type at which such calls are missing, "" where they are not.
    """

    caller: str
    called: str
    least: int
    repeats: float
    where: Node | None
    share: tuple[float, float]
    of: Node | None
    mean: tuple[float, float]
    missing_at: str


@dataclass(frozen=True, slots=True)
class Definition:
    """One KPI.

    `kind` says how points are made and judged: `ratio` = numerator / denominator (0–1); `count` = numerator;
    `mean` = numerator (a sum) / denominator (a count); `percentile` of `values` by bins; `integral` of `spread` over time.
    A ratio with `numbers` has the calls of such numbers as its numerator.
    `bad` is the direction that is bad. `target` with `target_op` (`>=` or `<=`) is what the value should hold.
    `least_sample` is the number of samples below which a point is `insufficient_data`. `weight` is its say in the
    service's state. `dimensions` are the entity types it is kept for. `per`: what is counted, `call`s and sessions (what
    several records were put together to, and records that stand alone), every `record` as delivered, or "" where nothing is
    ever put together (kpis/counting.py).
    """

    id: str
    alias: str
    version: int
    title: str
    service: str
    source: str
    standard: str
    kind: Kind
    unit: str
    bad: Bad
    target: float | None
    target_op: Literal[">=", "<=", ""]
    least_sample: int
    weight: float
    dimensions: tuple[str, ...]
    numerator: tuple[Aggregate, ...] = ()
    denominator: tuple[Aggregate, ...] = ()
    samples: tuple[Aggregate, ...] = ()
    candidates: tuple[Aggregate, ...] = ()
    values: tuple[Node, ...] = ()
    where: Node | None = None
    percentile: float = math.nan
    edge: float = math.nan
    spread: Spread | None = None
    numbers: Numbers | None = None
    settle_sec: int = 0
    per: Per = ""
    meaning: str = ""

    @property
    def counted(self) -> bool:
        """Whether nothing happening is a value (0) and not an absence: counts and time integrals."""
        return self.kind in ("count", "integral")

    @property
    def finest_sec(self) -> int:
        """Length of the shortest buckets it has points for, in seconds: what numbers do is looked at by the hour."""
        return 300 if self.numbers is None else 3600

    def meets(self, value: float) -> bool | None:
        """Whether `value` holds the target; None when there is no target."""
        if self.target is None:
            return None
        return value >= self.target if self.target_op == ">=" else value <= self.target
