"""Documents of how KPIs hang together (`scorers.joint`), beside the baselines they were learned with, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

import numpy as np
import orjson

from contracts.entities import Entity
from contracts.ids import joined
from detectors.baseline import MODEL_VERSION
from detectors.records import Document, nested, read, tidy
from detectors.scorers.joint import Joint

KIND = "joint"


def joint_documents(
    joints: Iterable[Joint], zone: ZoneInfo, set_name: str, trained: str
) -> Iterator[tuple[str, Document]]:
    """(id, document) per entity."""
    for one in joints:
        flat = {
            "service.name": one.service,
            "entity.type": one.entity.type,
            "entity.id": one.entity.id,
            "kpi.id": f"{one.service}.joint",
            "baseline.kind": KIND,
            "baseline.timezone": zone.key,
            "baseline.tail": one.tail,
            "baseline.joint": said(one),
            "baseline.model_version": MODEL_VERSION,
            "baseline.set": set_name,
            "baseline.trained": trained,
        }
        yield joined((KIND, one.entity, one.service, set_name)), nested(flat)


def said(one: Joint) -> str:
    """KPIs and covariance as JSON."""
    rows = [[tidy(float(value)) for value in row] for row in one.covariance]
    return orjson.dumps({"kpis": list(one.kpis), "covariance": rows}).decode()


def joints_from(documents: Iterable[Document], kpis: Sequence[str]) -> list[Joint]:
    """Of those all of whose KPIs are still judged; the others wait for the next training."""
    known, found = set(kpis), []
    for document in documents:
        kept = orjson.loads(read(document, "baseline.joint"))
        if set(kept["kpis"]) <= known:
            entity = Entity(read(document, "entity.type"), read(document, "entity.id"))
            covariance, tail = np.array(kept["covariance"]), float(read(document, "baseline.tail"))
            found.append(Joint(read(document, "service.name"), entity, tuple(kept["kpis"]), covariance, tail))
    return sorted(found, key=lambda one: (one.service, one.entity))
