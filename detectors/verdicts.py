"""What people said of the anomalies of a span, counted: by kind, how right they found us, and what their verdicts keep quiet."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from contracts.clock import epoch_ms, iso, parse_iso
from contracts.entities import Entity
from detectors.feedback import VERDICTS, Mark
from detectors.marking import marks
from detectors.reading import job_state
from detectors.records import read
from detectors.subject import Series
from infrastructure.store import Store

_FIELDS = ["service.name", "entity", "kpi.id", "event.start", "anomaly"]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Of anomalies that began in the span: `true`, `false`, `expected`: verdicts of each kind; `unsaid`: anomalies without one.

    `withdrawn`: anomalies taken back since a verdict keeps them quiet. `suppressed_last_run`: how many the last detection kept
    quiet, those among them that were never written. `precision`: true ones of those called true or false, 0–1; None: none was.
    """

    true: int
    false: int
    expected: int
    unsaid: int
    withdrawn: int
    suppressed_last_run: int

    @property
    def precision(self) -> float | None:
        said = self.true + self.false
        return self.true / said if said else None

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "precision": self.precision}


@dataclass(frozen=True, slots=True)
class _Stored:
    """A stored anomaly as `Mark.quiets` looks at it."""

    series: Series
    direction: str
    start: int
    end: int
    actual: float
    expected: float


def verdicts(store: Store, since: datetime, until: datetime) -> Verdicts:
    """Counts over the anomalies that began in [since, until)."""
    said = marks(store)
    began = {"range": {"event.start": {"gte": iso(since), "lt": iso(until)}}}
    store.refresh("anomaly")
    own = store.get_many("anomaly", [one.anomaly for one in said])
    inside = [one for one in said if one.anomaly in own and _began_in(own[one.anomaly].source, since, until)]
    kinds = Counter(one.verdict for one in inside)
    taken_back = {"bool": {"filter": [began, {"term": {"anomaly.status": "withdrawn"}}]}}
    withdrawn = sum(_quiet(said, hit["_source"]) for hit in store.scan("anomaly", taken_back, _FIELDS)) if said else 0
    standing = {"bool": {"filter": [began], "must_not": [{"terms": {"anomaly.id": [one.anomaly for one in inside]}}]}}
    _, detail = job_state(store, "detect")
    return Verdicts(
        **{kind: kinds[kind] for kind in VERDICTS},
        unsaid=store.count("anomaly", standing),
        withdrawn=withdrawn,
        suppressed_last_run=int(detail.get("suppressed", 0)),
    )


def _began_in(document: Mapping[str, Any], since: datetime, until: datetime) -> bool:
    return since <= parse_iso(read(document, "event.start")) < until


def _quiet(said: list[Mark], document: Mapping[str, Any]) -> bool:
    entity = Entity(read(document, "entity.type"), read(document, "entity.id"))
    one = _Stored(
        Series(read(document, "kpi.id"), read(document, "service.name"), entity),
        read(document, "anomaly.direction"),
        epoch_ms(parse_iso(read(document, "event.start"))),
        epoch_ms(parse_iso(read(document, "anomaly.last"))),
        read(document, "anomaly.actual", math.nan),
        read(document, "anomaly.expected", math.nan),
    )
    return any(each.quiets(one) for each in said)
