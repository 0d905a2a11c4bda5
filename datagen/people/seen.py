"""Which customers have occurred: a bit each, in pages that exist once somebody on them was seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from datagen.table import Ints

PAGE = 1 << 20  # customers a page: 128 KiB


@dataclass(slots=True)
class Seen:
    """A set of customers that merges in any order; 25 million take 3 MB at most."""

    pages: dict[int, npt.NDArray[np.uint8]] = field(default_factory=dict)

    def add(self, n: Ints) -> None:
        pages = n // PAGE
        present = np.unique(pages) if n.size and pages.min() < pages.max() else pages[:1]
        ordered = n if present.size <= 1 else np.sort(n)
        edges = np.searchsorted(ordered, present * PAGE) if present.size > 1 else np.zeros(1, np.int64)
        for number, part in zip(present.tolist(), np.split(ordered, edges[1:]), strict=False):
            flags = np.zeros(PAGE, bool)
            flags[part % PAGE] = True
            self._page(number, np.packbits(flags))

    def merge(self, other: Seen) -> None:
        for number, bits in other.pages.items():
            self._page(number, bits)

    def _page(self, number: int, bits: npt.NDArray[np.uint8]) -> None:
        known = self.pages.get(number)
        self.pages[number] = bits.copy() if known is None else known | bits

    def __len__(self) -> int:
        return sum(int(np.bitwise_count(bits).sum()) for bits in self.pages.values())

    def chunks(self, size: int = 5_000) -> Iterator[Ints]:
        """All of them in order, `size` at a time at most."""
        for number in sorted(self.pages):
            found = number * PAGE + np.flatnonzero(np.unpackbits(self.pages[number]))
            yield from (found[first : first + size] for first in range(0, found.size, size))
