"""File sequence numbers: which are missing, which two files share. Pure: files in, findings out.

Files may come out of order, numbers may begin again after their last one, and a counter may be set back when its node starts
anew. Each number is put beside the highest one seen so far; what is too far from it belongs to a counter that was set anew, and
nothing is missing between two counters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

BEHIND = 1000  # a file may come so many numbers late
AHEAD = 10_000  # no gap is wider: the counter was set anew


class Arrival(NamedTuple):
    """A file with its number, and when it was delivered (seconds since 1970)."""

    number: int
    moment: float
    path: str
    fingerprint: str


class Missing(NamedTuple):
    """Numbers `first` … `last` (as in the names; `last` < `first` where they began again between), `files` of them."""

    first: int
    last: int
    files: int
    before: Arrival
    after: Arrival


class Repeated(NamedTuple):
    """Files that share a number. `same`: they have the same content, so that it was one file, delivered again."""

    number: int
    files: tuple[Arrival, ...]
    same: bool


@dataclass(slots=True)
class _Counter:
    """One run of a node's counter: files by unwrapped number."""

    high: int
    files: dict[int, list[Arrival]] = field(default_factory=dict)

    def add(self, place: int, arrival: Arrival) -> None:
        self.high = max(self.high, place)
        self.files.setdefault(place, []).append(arrival)


def findings(
    arrivals: Iterable[Arrival], *, first: int = 0, cycle: int | None = None, overtaken_by: float = float("inf")
) -> tuple[list[Missing], list[Repeated]]:
    """What is missing and what is repeated among files in order of delivery.

    `first`, `cycle`: the first number, and how many there are before it comes again (None: never). `overtaken_by`: only numbers
    that were overtaken by a file delivered up to then are missing; younger ones may be on their way.
    """
    counters: list[_Counter] = []
    for arrival in arrivals:
        place, counter = _place(counters, arrival, first, cycle)
        if counter is None:
            counter = _Counter(place)
            counters.append(counter)
        counter.add(place, arrival)
    missing = [
        gap for counter in counters for gap in _missing(counter, first, cycle) if gap.after.moment <= overtaken_by
    ]
    return missing, [repeat for counter in counters for repeat in _repeated(counter)]


def _place(
    counters: Sequence[_Counter], arrival: Arrival, first: int, cycle: int | None
) -> tuple[int, _Counter | None]:
    """Unwrapped number of a file, and the counter it is of; None: one that was set anew."""
    options = [(_unwrapped(arrival.number, counter.high, cycle), counter) for counter in counters[-2:]]
    options = [(place, counter) for place, counter in options if -BEHIND <= place - counter.high <= AHEAD]
    if not options:
        return arrival.number, None
    place, counter = min(options, key=lambda option: abs(option[0] - option[1].high))
    again = counter.files.get(place)
    set_back = arrival.number in (first, first + 1) and place < counter.high
    if again and set_back and all(other.fingerprint != arrival.fingerprint for other in again):
        return arrival.number, None
    return place, counter


def _unwrapped(number: int, high: int, cycle: int | None) -> int:
    """The place nearest to `high` that shows as `number`."""
    if cycle is None:
        return number
    return number + cycle * round((high - number) / cycle)


def _missing(counter: _Counter, first: int, cycle: int | None) -> Iterator[Missing]:
    places = sorted(counter.files)
    for left, right in pairwise(places):
        if right - left > 1:
            before = max(counter.files[left], key=lambda file: file.moment)
            after = min(counter.files[right], key=lambda file: file.moment)
            numbers = (_shown(left + 1, first, cycle), _shown(right - 1, first, cycle))
            yield Missing(*numbers, right - left - 1, before, after)


def _shown(place: int, first: int, cycle: int | None) -> int:
    return place if cycle is None else first + (place - first) % cycle


def _repeated(counter: _Counter) -> Iterator[Repeated]:
    for place in sorted(counter.files):
        files = counter.files[place]
        if len(files) > 1:
            yield Repeated(files[0].number, tuple(files), len({file.fingerprint for file in files}) == 1)
