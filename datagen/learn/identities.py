"""Identifiers of a sample as forms: new ones look alike, and none of the sample's own can come out of a form.

A form is text in which DIGIT, HEX, LOWER and UPPER stand for a character that is made new. Either a few of its digits are
fixed to an ending that no identifier of the sample has, or it is longer than all of them that look like it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np

DIGIT, HEX, LOWER, UPPER = "\ue000", "\ue001", "\ue002", "\ue003"  # of the private use area: no text has them
_WILD = re.compile(f"[{DIGIT}{HEX}]")
_MIXED = re.compile(r"(?<![0-9A-Za-z])[0-9a-z]?(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{6,}(?![0-9A-Za-z])")
_RUN = re.compile(r"[0-9a-f]{6,}")
_MOST_FORMS = 24
_ENDINGS = 16  # different ones a form gets
_FREE = 5  # characters that stay free where an ending is fixed
_LENGTHENED = 8  # free characters, at least, of a form that is made longer
_COMMON = 0.05  # share of rows that have a word for it to be part of the form


def identities(cells: Sequence[str], *, personal: bool) -> tuple[tuple[str, ...], tuple[float, ...], list[str]]:
    """Forms, the share of each, and the texts that occur more than once, most frequent first.

    `personal`: nothing of a text is kept but its form and a calling code; else words that many rows have are kept.
    """
    full = [cell for cell in cells if cell]
    counts = Counter(full)
    repeated = [text for text, count in counts.most_common() if count > 1]
    hexadecimal = sum(bool(_MIXED.search(text)) for text in counts) >= 0.2 * len(counts)
    words = frozenset() if personal else _common(full)
    groups: dict[str, list[str]] = {}
    for text in full:
        groups.setdefault(_form(text, words, hexadecimal), []).append(text)
    common = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))[:_MOST_FORMS]
    total = sum(len(group) for _, group in common)
    forms: list[str] = []
    shares: list[float] = []
    for form, group in common:
        made = _unlike(form, group, set(groups))
        forms += made
        shares += [len(group) / total / len(made)] * len(made)
    return tuple(forms), tuple(shares), repeated


def _common(texts: Sequence[str]) -> frozenset[str]:
    seen = Counter(word for text in texts for word in set(re.findall(r"[A-Za-z][A-Za-z0-9]*", text)))
    return frozenset(word for word, count in seen.items() if count >= max(5, _COMMON * len(texts)))


def _form(text: str, words: frozenset[str], hexadecimal: bool) -> str:
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):
        return re.sub(r"[0-9a-f]", HEX, text)
    parts = re.split(r"([A-Za-z][A-Za-z0-9]*)", text) if words else [text]
    return "".join(part if part in words else _characters(part, hexadecimal) for part in parts)


def _characters(text: str, hexadecimal: bool) -> str:
    if hexadecimal:
        text = _RUN.sub(lambda run: HEX * len(run[0]), text)
    return "".join(map(_kind_of, text))


def _kind_of(character: str) -> str:
    if character.isdigit():
        return DIGIT
    return LOWER if character.islower() else UPPER if character.isupper() else character


def _unlike(form: str, group: list[str], taken: Iterable[str]) -> list[str]:
    """Forms like `form` that no text of `group` has, with the calling code or word that all of them begin with."""
    form = _begun(form, group)
    wild = [place for place, character in enumerate(form) if _WILD.fullmatch(character)]
    for size in range(1, len(wild) - _FREE + 1):
        places = wild[-size:]
        used = {"".join(text[place] for place in places) for text in group}
        letters = "0123456789"
        if len(used) * 2 > len(letters) ** size:
            continue
        candidates = (f"{number:0{size}d}" for number in _scattered(10**size))
        free = islice((ending for ending in candidates if ending not in used), _ENDINGS)
        return [_ended(form, places, ending) for ending in free]
    return [_longer(form, set(taken))]


def _scattered(size: int) -> Iterable[int]:
    """Every number below a power of ten once, in no plain order, the same every time."""
    rng = np.random.default_rng(size)
    return rng.permutation(size).tolist() if size <= 10**5 else (int(each) for each in rng.integers(0, size, 10**5))


def _ended(form: str, places: Sequence[int], ending: str) -> str:
    characters = list(form)
    for place, character in zip(places, ending, strict=True):
        characters[place] = character
    return "".join(characters)


def _longer(form: str, taken: set[str]) -> str:
    """The form with more digits behind its last one, or at its end."""
    last = max((place for place, character in enumerate(form) if _WILD.fullmatch(character)), default=len(form) - 1)
    more = max(3, _LENGTHENED - len(_WILD.findall(form)))
    made = form[: last + 1] + DIGIT * more + form[last + 1 :]
    while made in taken:
        made = made[: last + 1] + DIGIT + made[last + 1 :]
    return made


def _begun(form: str, group: list[str]) -> str:
    """The form with the common beginning of at least five different texts, of it at most three digits."""
    if len(set(group)) < 5:
        return form
    low, high = min(group), max(group)
    same = next((place for place, (a, b) in enumerate(zip(low, high, strict=True)) if a != b), len(low))
    kept = low[:same]
    while sum(map(str.isdigit, kept)) > 3:
        kept = kept[:-1]
    return kept + form[len(kept) :]
