"""Collectors that ask other systems: a number in a JSON document (RFC 6901), and Prometheus' `/api/v1/query`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from contracts.clock import epoch_ms
from contracts.entities import Entity
from contracts.errors import OperatorError
from infrastructure.store import Store
from kpis.collecting.fetching import Fetcher
from kpis.collecting.interface import Due
from kpis.tracking.model import WHOLE, Tracked
from kpis.tracking.points import Value, sampled

MOST_SERIES = 1000  # of one query
MOST_BUCKETS = 48  # that are asked for again after an outage, the newest ones


class HttpJson:
    """A number that is read now: buckets that are over and were not read are gaps."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def touched(self, store: Store, tracked: Tracked, before: datetime | None) -> datetime | None:
        return None if before is None else before

    def values(self, store: Store, tracked: Tracked, due: Due) -> Iterator[Value]:
        """The value of the newest bucket of `due`."""
        details = tracked.details
        content = self._fetcher.json(details["url"], secret=details.get("secret", ""))
        found = pointed(content, details["pointer"])
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            raise OperatorError(
                f"{str(found)[:60]!r} at {details['pointer'] or 'the whole document'} is no number", where=tracked.id
            )
        last = epoch_ms(due.end) - due.resolution_sec * 1000
        yield sampled(details.get("entity", WHOLE), last, float(found))


class Prometheus:
    """Values at the end of each bucket; after an outage the buckets since the last one that was read."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def touched(self, store: Store, tracked: Tracked, before: datetime | None) -> datetime | None:
        return None if before is None else before

    def values(self, store: Store, tracked: Tracked, due: Due) -> Iterator[Value]:
        step = timedelta(seconds=due.resolution_sec)
        start = max(due.start, due.end - MOST_BUCKETS * step)
        while start < due.end:
            yield from self._bucket(tracked, start, start + step)
            start += step

    def _bucket(self, tracked: Tracked, start: datetime, end: datetime) -> Iterator[Value]:
        details = tracked.details
        url = details["url"].rstrip("/") + "/api/v1/query"
        params = {"query": details["query"], "time": f"{end.timestamp():.3f}"}
        answer = self._fetcher.json(url, params, secret=details.get("secret", ""))
        for labels, number in _series(answer, url):
            entity = details.get("entity", WHOLE)
            if "label" in details:
                name = labels.get(details["label"])
                if not name:
                    continue
                entity = str(Entity(details.get("entity_type", "instance"), str(name)[:200]))
            if math.isfinite(number):
                yield sampled(entity, epoch_ms(start), number)
            else:
                yield Value(entity, epoch_ms(start), None, None, None, 0, "not_measurable")


def _series(answer: Any, where: str) -> list[tuple[Mapping[str, Any], float]]:
    """(labels, value) of an instant vector or a scalar. Raises OperatorError on anything else."""
    try:
        if answer["status"] != "success":
            raise OperatorError(f"{answer.get('errorType')}: {answer.get('error')}"[:300], where=where)
        kind, result = answer["data"]["resultType"], answer["data"]["result"]
        rows = [({}, result[1])] if kind == "scalar" else [(row["metric"], row["value"][1]) for row in result]
        if kind not in ("scalar", "vector"):
            raise OperatorError(f"the query gives a {str(kind)[:20]}, not a vector", where=where)
        if len(rows) > MOST_SERIES:
            raise OperatorError(f"{len(rows)} series, more than {MOST_SERIES}", where=where, remedy="sum by a label")
        return [(labels, float(value)) for labels, value in rows]
    except (KeyError, TypeError, IndexError, ValueError, AttributeError):
        raise OperatorError("is no answer of Prometheus' HTTP API", where=where) from None


def pointed(content: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) leads to. Raises OperatorError where it leads nowhere."""
    found = content
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(key)] if isinstance(found, list) and key.isascii() and key.isdigit() else found[key]
        except (KeyError, IndexError, TypeError):
            raise OperatorError(f"nothing at {pointer[:100]}", where="source.pointer") from None
    return found
