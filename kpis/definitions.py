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
class Definition:
    """One KPI.

    `kind` says how points are made and judged: `ratio` = numerator / denominator (0–1); `count` = numerator;
    `mean` = numerator (a sum) / denominator (a count); `percentile` of `values` by bins; `integral` of `spread` over time.
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
    settle_sec: int = 0
    per: Per = ""
    meaning: str = ""

    @property
    def counted(self) -> bool:
        """Whether nothing happening is a value (0) and not an absence: counts and time integrals."""
        return self.kind in ("count", "integral")

    def meets(self, value: float) -> bool | None:
        """Whether `value` holds the target; None when there is no target."""
        if self.target is None:
            return None
        return value >= self.target if self.target_op == ">=" else value <= self.target
