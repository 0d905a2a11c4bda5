"""Time integrals, exact in whole numbers: each record's amount laid evenly over its time, on a grid of five minutes.

A record from s to e lies in base buckets S … E. Each inner one gets `rate` = ⌊amount · 5 min / (e − s)⌋, the first and
the last share the rest by their part of the time; so the parts are whole and add up to the amount, and the time itself
(amount = e − s) is split without any rounding. A record of no length puts all into the bucket of its end.

The sum over records needs no record twice: in each coarser bucket count what begins and what ends, as if what begins went on
for ever and what ends took back the rest; what is in progress runs along as a rate. (Law: the buckets' sum is the total.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kpis.parts import BASE_MS, Parts

# A record with a start of 1970 in a broken clock must not be laid over half a century: longer ones are laid nowhere.
LONGEST_MS = 31 * 86_400_000
LARGEST = (2**63 - 1) // BASE_MS  # of an amount: 30 terabytes; ES|QL computes in 64 bits


class Border(NamedTuple):
    """Sums over the records of one entity that begin or end in bucket `bucket`: see kpis/queries.integral."""

    bucket: int
    amount: int
    rate: int
    records: int


class Laid(NamedTuple):
    """One record on the base grid: first and last base bucket, their amounts, and that of each between."""

    first: int
    last: int
    head: int
    rate: int
    tail: int


def lay(begins: int, ends: int, amount: int) -> Laid | None:
    """Lays `amount` over `begins`–`ends` (ms). None when it ends before it begins, is too long, or the amount is impossible."""
    if not 0 <= ends - begins <= LONGEST_MS or not 0 <= amount <= LARGEST:
        return None
    first, last = begins // BASE_MS, (ends - 1 if ends > begins else ends) // BASE_MS
    if first == last:
        return Laid(first, last, amount, 0, 0)
    rate = amount * BASE_MS // (ends - begins)
    rest = amount - rate * (last - first - 1)
    left, right = (first + 1) * BASE_MS - begins, ends - last * BASE_MS
    head = rest * left // (left + right)
    return Laid(first, last, head, rate, rest - head)


def spread_over(laid: Laid, per: int) -> Iterator[tuple[int, int]]:
    """(bucket, amount) of one record over buckets of `per` base buckets: the plain way, for the twin."""
    for bucket in range(laid.first // per, laid.last // per + 1):
        low, high = max(bucket * per, laid.first + 1), min((bucket + 1) * per, laid.last)
        amount = laid.rate * max(high - low, 0)
        amount += laid.head if laid.first // per == bucket else 0
        amount += laid.tail if laid.last // per == bucket else 0
        yield bucket, amount


def summed(starts: Iterable[Border], ends: Iterable[Border], first: int, end: int, per: int) -> dict[int, Parts]:
    """Parts of buckets `first` ≤ k < `end` of one entity; buckets with nothing in progress are left out."""
    begun, ended = {row.bucket: row for row in starts}, {row.bucket: row for row in ends}
    none = Border(0, 0, 0, 0)
    earlier = begun.get(first - 1, none)
    rate, records = earlier.rate, earlier.records
    found: dict[int, Parts] = {}
    for bucket in _busy(begun, ended, first, end):
        start, stop = begun.get(bucket, none), ended.get(bucket, none)
        inside = records + start.records
        if inside:
            found[bucket] = Parts(numerator=rate * per + start.amount + stop.amount, samples=inside)
        rate += start.rate - stop.rate
        records = inside - stop.records
    return found


def _busy(begun: dict[int, Border], ended: dict[int, Border], first: int, end: int) -> range:
    """No bucket before the first begin or after the last end has anything in it."""
    low = first if first - 1 in begun else min(begun, default=end)
    high = end if end in ended else max(ended, default=first) + 1
    return range(max(low, first), min(high, end))
