"""E.164 numbers → country, type and zone by the longest known prefix of their length, from `prefixes.csv`.

A number as a switch writes it becomes an E.164 number first:

* `+` and digits: those digits;
* what begins with the home country's international prefix (`dialling.csv`), or with 00: the digits behind it;
* other digits: a national number of the home country, with or without its national prefix; or, where the layout says
  `plain: international` (MSISDNs), the E.164 digits themselves unless they begin with 0.

Anything else, and everything national where no home country is given, has no place: no field, never an error.

`zone` is `national` for numbers of the home country, `world-N` for all others: N is the first digit of the calling code, the
ITU's world zone (1 North America and the Caribbean, 2 Africa, 3 and 4 Europe, 5 Latin America, 6 Oceania and South-East Asia,
7 Russia and Kazakhstan, 8 East Asia and global services, 9 West and South Asia).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

PREFIXES = Path(__file__).parent / "prefixes.csv"
DIALLING = Path(__file__).parent / "dialling.csv"
MOST_DIGITS = 15  # E.164, clause 6
LEAST_DIGITS = 7  # of a number of which only the country is told; the shortest international numbers have 7
ANYWHERE = "00"  # international prefix that every home country is granted (E.164 recommends it)
_REMEMBERED = 65_536


class Place(NamedTuple):
    """What a number tells; None where it tells nothing. `country` is ISO 3166-1 alpha-2."""

    country: str | None
    type: str | None
    zone: str | None


class Home(NamedTuple):
    """How numbers are dialled at home: calling code, prefixes of international numbers (longest first), national prefix."""

    country: str
    code: str
    international: tuple[str, ...]
    national: str


NOWHERE = Place(None, None, None)
_NO_HOME = Home("", "", (ANYWHERE,), "")


@cache
def _ranges() -> tuple[dict[tuple[int, str], tuple[str, str]], dict[str, str], int]:
    """(digits, prefix) → country and type; prefix → country, for other lengths; digits of the longest prefix."""
    exact: dict[tuple[int, str], tuple[str, str]] = {}
    countries: dict[str, set[str]] = {}
    for prefix, digits, country, kind in _rows(PREFIXES):
        countries.setdefault(prefix, set()).add(country)
        for count in digits.split():
            exact[int(count), prefix] = country, kind
    agreed = {prefix: found.pop() for prefix, found in countries.items() if len(found) == 1 and "" not in found}
    return exact, agreed, max(map(len, countries))


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="ascii", newline="") as stream:
        rows = csv.reader(stream)
        next(rows)
        yield from rows


@cache
def homes() -> dict[str, Home]:
    """By country."""
    return {
        country: Home(country, code, (*sorted({*abroad.split(), ANYWHERE}, key=len, reverse=True),), national)
        for country, code, abroad, national in _rows(DIALLING)
    }


class NumberPlan(dict[str, Place]):
    """number as delivered → `Place`, remembered while it is used.

    `home`: ISO 3166 code of the country whose national numbers occur, empty for none; it must be one of `homes()`.
    `international`: digits without any prefix are E.164 numbers.
    """

    def __init__(self, home: str = "", *, international: bool = False) -> None:
        super().__init__()
        self.home = homes()[home] if home else _NO_HOME
        self.international = international
        self._ranges: dict[tuple[int, str], tuple[str, str] | None] = {}

    def __missing__(self, number: str) -> Place:
        if len(self) >= _REMEMBERED:
            self.clear()
        place = self[number] = self._place(number)
        return place

    def _place(self, number: str) -> Place:
        digits = number.removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            return NOWHERE
        if number[0] == "+":
            return self._of(digits)
        access = next((prefix for prefix in self.home.international if digits.startswith(prefix)), None)
        if access is not None:
            return self._of(digits[len(access) :])
        if self.international and digits[0] != "0":
            return self._of(digits)
        return self._national(digits)

    def _national(self, digits: str) -> Place:
        home = self.home
        if not home.country:
            return NOWHERE
        if home.national and digits.startswith(home.national):
            found = self._range(home.code + digits[len(home.national) :])
            if found:
                return self._shown(home.code, found)
        found = self._range(home.code + digits)
        return self._shown(home.code, found) if found else NOWHERE

    def _of(self, digits: str) -> Place:
        """Place of an E.164 number: of its range, else the country alone, by the ranges of numbers of other lengths."""
        found = self._range(digits)
        if found is None and LEAST_DIGITS <= len(digits) <= MOST_DIGITS:
            _, countries, longest = _ranges()
            heads = (digits[:length] for length in range(longest, 0, -1))
            country = next((countries[head] for head in heads if head in countries), None)
            found = None if country is None else (country, "")
        return self._shown(digits, found) if found else NOWHERE

    def _range(self, digits: str) -> tuple[str, str] | None:
        """Country and type of the longest prefix known for numbers of this length; the heads of numbers are remembered."""
        exact, _, longest = _ranges()
        count = len(digits)
        head = digits[:longest]
        if (count, head) not in self._ranges:
            if len(self._ranges) >= _REMEMBERED:
                self._ranges.clear()
            prefixes = (head[:length] for length in range(len(head), 0, -1))
            self._ranges[count, head] = next((exact[count, each] for each in prefixes if (count, each) in exact), None)
        return self._ranges[count, head]

    def _shown(self, digits: str, found: tuple[str, str]) -> Place:
        country, kind = found
        national = bool(country) and country == self.home.country
        return Place(country or None, kind or None, "national" if national else f"world-{digits[0]}")
