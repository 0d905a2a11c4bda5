"""Spans of time [start, end) in milliseconds: which are due, joined and cut to buckets. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

Span = tuple[int, int]


def joined(spans: Iterable[Span], gap: int = 0) -> list[Span]:
    """The union, sorted, without overlaps; spans at most `gap` apart become one."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if result and start <= result[-1][1] + gap:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def widened(spans: Iterable[Span], step: int) -> list[Span]:
    """Whole steps that they touch."""
    return joined((start - start % step, end + -end % step) for start, end in spans if start < end)


def clipped(spans: Iterable[Span], low: int, high: int) -> list[Span]:
    """What of them lies in [low, high)."""
    return joined((max(start, low), min(end, high)) for start, end in spans)


def crossed(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """What lies in both."""
    rest = joined(others)
    return joined(
        (max(start, low), min(end, high))
        for start, end in joined(spans)
        for low, high in rest
        if low < end and start < high
    )


def pieces(spans: Iterable[Span], longest: int) -> Iterator[Span]:
    """Cuts each into pieces of at most `longest`, from its start on."""
    for start, end in spans:
        while start < end:
            stop = min(start + longest, end)
            yield start, stop
            start = stop


class Cover:
    """Whether a span lies wholly inside one of many."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = joined(spans)
        self._starts = [start for start, _ in self._spans]

    def holds(self, start: int, end: int) -> bool:
        position = bisect_right(self._starts, start) - 1
        return position >= 0 and end <= self._spans[position][1]
