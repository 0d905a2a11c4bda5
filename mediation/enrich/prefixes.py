"""Makes `prefixes.csv` and `dialling.csv` from the number plans of `phonenumbers`: `python -m mediation.enrich.prefixes`.

The plans are regular expressions per country and kind of number. They are finite, so that they can be walked digit by digit:
where every number that may still follow is of one country and one type, the prefix is a row. Lengths are kept apart, since
many plans tell a type by it (Tonga: five digits are fixed, seven mobile). The table is exact on valid numbers, therefore; a
number that is of no range yet gets what the nearest range of its length has.

Only this command needs `phonenumbers` (Apache-2.0); both runners read the two files.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata

from mediation.enrich.digits import ALL, NONE, Language, derivative, ends, language, then, words

HOME = Path(__file__).parent
_LONGEST_ACCESS = 5  # digits of an international prefix; longer ones select a carrier, too, and never reach a record
NON_GEOGRAPHIC = "001"  # what phonenumbers calls the plans of no country, such as +800
# In the order in which phonenumbers asks; its name and ours.
_KINDS = {
    "premium_rate": "premium",
    "toll_free": "toll_free",
    "shared_cost": "shared_cost",
    "voip": "voip",
    "personal_number": "personal",
    "pager": "pager",
    "uan": "uan",
    "voicemail": "voicemail",
}
_State = frozenset[tuple[tuple[int, str], Language]]


class Outcome(NamedTuple):
    country: str
    type: str


class _Plan:
    """Numbers of one calling code and one length: a walk over all of its countries' patterns at once."""

    def __init__(self, code: int, length: int) -> None:
        self.length = length
        names = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
        self.regions = [(name, _metadata(code, name)) for name in names]
        self.counts: dict[tuple[_State, int], Counter[Outcome]] = {}
        self.choices: dict[tuple[_State, int], frozenset[Outcome]] = {}
        patterns = [
            ((index, kind), found)
            for index, (_, region) in enumerate(self.regions)
            for kind, found in _patterns(region, length, alone=len(names) == 1)
        ]
        self.start: _State = frozenset(patterns)

    def rows(self) -> Iterator[tuple[str, Outcome]]:
        """National prefix and what numbers with it are, as far as no longer prefix says otherwise."""
        yield from self._rows(self.start, "", None)

    def _rows(self, state: _State, prefix: str, inherited: Outcome | None) -> Iterator[tuple[str, Outcome]]:
        count = self._count(state, len(prefix))
        if not count:
            return
        choices = self._choices(state, len(prefix))
        if inherited not in choices and inherited not in _of_country(choices, count, inherited):
            inherited = max(_of_country(choices, count, inherited), key=lambda outcome: (count[outcome], outcome))
            yield prefix, inherited
        if len(count) > 1:
            for digit in range(10):
                yield from self._rows(_step(state, digit), f"{prefix}{digit}", inherited)

    def _choices(self, state: _State, depth: int) -> frozenset[Outcome]:
        """Outcomes that serve best as the row of a prefix, so that the fewest longer prefixes need rows of their own."""
        known = self.choices.get((state, depth))
        if known is None:
            count = self._count(state, depth)
            votes: Counter[Outcome] = Counter()
            if len(count) > 1:
                for digit in range(10):
                    after = _step(state, digit)
                    votes.update(self._choices(after, depth + 1) if self._count(after, depth + 1) else ())
            best = max(votes.values(), default=0)
            known = frozenset(outcome for outcome in votes if votes[outcome] == best) if votes else frozenset(count)
            self.choices[state, depth] = known
        return known

    def _count(self, state: _State, depth: int) -> Counter[Outcome]:
        """How many numbers of each outcome may still follow."""
        known = self.counts.get((state, depth))
        if known is None:
            known = Counter()
            if depth == self.length:
                outcome = self._outcome({key for key, found in state if ends(found)})
                known.update([outcome] if outcome else [])
            elif any(kind != "leading" for (_, kind), _ in state):
                for digit in range(10):
                    known.update(self._count(_step(state, digit), depth + 1))
            self.counts[state, depth] = known
        return known

    def _outcome(self, accepted: set[tuple[int, str]]) -> Outcome | None:
        """As `phonenumbers.region_code_for_number` and `number_type` have it."""
        for index, (name, region) in enumerate(self.regions):
            kind = _kind(region, {kind for place, kind in accepted if place == index})
            leads = len(self.regions) > 1 and region.leading_digits is not None
            if kind and (not leads or (index, "leading") in accepted):
                return Outcome("" if name == NON_GEOGRAPHIC else name, kind)
            if leads and (index, "leading") in accepted:
                return None
        return None


def _of_country(choices: frozenset[Outcome], count: Counter[Outcome], inherited: Outcome | None) -> frozenset[Outcome]:
    """Choices of the country that shorter prefixes belong to, where it has any numbers here: so a gap in a range of a large
    country does not fall to a small one that shares its calling code."""
    same = frozenset(outcome for outcome in count if inherited and outcome.country == inherited.country)
    return (choices & same) or same or choices


def _metadata(code: int, name: str) -> PhoneMetadata:
    found = PhoneMetadata.metadata_for_region_or_calling_code(code, name)
    if found is None:
        raise ValueError(f"phonenumbers has no plan for {name}")
    return found


def _lengths(region: PhoneMetadata) -> tuple[int, ...]:
    """How many digits a national number may have."""
    return tuple(region.general_desc.possible_length) if region.general_desc else ()


def _patterns(region: PhoneMetadata, length: int, *, alone: bool) -> Iterator[tuple[str, Language]]:
    lengths = _lengths(region)
    if region.leading_digits is not None and not alone:
        yield "leading", then(language(region.leading_digits), ALL)
    for kind in ("general_desc", *_KINDS, "fixed_line", "mobile"):
        desc = getattr(region, kind)
        if desc is None or not desc.national_number_pattern or length not in lengths:
            continue
        if not desc.possible_length or length in desc.possible_length:
            yield kind, language(desc.national_number_pattern)


def _kind(region: PhoneMetadata, accepted: set[str]) -> str:
    if "general_desc" not in accepted:
        return ""
    for kind, name in _KINDS.items():
        if kind in accepted:
            return name
    same = region.same_mobile_and_fixed_line_pattern
    if "fixed_line" in accepted:
        return "fixed_or_mobile" if same or "mobile" in accepted else "fixed"
    return "mobile" if "mobile" in accepted and not same else ""


def _step(state: _State, digit: int) -> _State:
    return frozenset((key, after) for key, found in state if (after := derivative(found, digit)) != NONE)


def prefixes() -> str:
    """Content of `prefixes.csv`."""
    lengths: dict[tuple[str, Outcome], list[str]] = {}
    for code, names in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        possible = {length for name in names for length in _lengths(_metadata(code, name))}
        for length in sorted(possible):
            for prefix, outcome in _Plan(code, length).rows():
                lengths.setdefault((f"{code}{prefix}", outcome), []).append(str(len(str(code)) + length))
    rows = ((prefix, " ".join(digits), *outcome) for (prefix, outcome), digits in sorted(lengths.items()))
    return _csv(("prefix", "digits", "country", "type"), rows)


def dialling() -> str:
    """Content of `dialling.csv`."""
    rows = []
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        region = PhoneMetadata.metadata_for_region(country)
        if region is None:
            continue
        abroad = words(language(region.international_prefix)) if region.international_prefix else []
        short = sorted(text for text in abroad if len(text) <= _LONGEST_ACCESS)
        rows.append((country, str(region.country_code), " ".join(short), region.national_prefix or ""))
    return _csv(("country", "code", "international", "national"), rows)


def _csv(header: tuple[str, ...], rows: object) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)  # type: ignore[arg-type]
    return out.getvalue()


def main() -> None:
    """Writes both files beside this one."""
    (HOME / "prefixes.csv").write_text(prefixes(), encoding="ascii")
    (HOME / "dialling.csv").write_text(dialling(), encoding="ascii")


if __name__ == "__main__":
    main()
