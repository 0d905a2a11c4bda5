"""Languages of digits: a regular expression over 0–9 as a value that can be asked what may follow.

A language is an expression with `derivative(language, digit)`: what may follow the digit (Brzozowski 1964). Enough for the
patterns of a number plan: digits, classes, groups, `|`, `?`, `{n}`, `{n,m}`. Anything else is refused, not guessed.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

# (kind, …): "none" no text; "end" the empty text; "all" every text; "set" one digit of a bit mask; "seq" first, then second;
# "alt" any of a set.
Language = tuple[Any, ...]
NONE: Language = ("none",)
END: Language = ("end",)
ALL: Language = ("all",)
ANY_DIGIT = (1 << 10) - 1
_TOKEN = re.compile(r"\\d|\[[0-9-]+\]|\(\?:|[0-9()|?]|\{[0-9]+(?:,[0-9]+)?\}")


def language(pattern: str) -> Language:
    """The texts that `pattern` matches from end to end. Raises ValueError on what it does not know."""
    tokens = []
    position = 0
    while position < len(pattern):
        match = _TOKEN.match(pattern, position)
        if match is None:
            raise ValueError(f"cannot read {pattern[position : position + 20]!r} in a number pattern")
        tokens.append(match[0])
        position = match.end()
    found = _alternatives(tokens)
    if tokens:
        raise ValueError(f"a group is closed that was not opened: {pattern!r}")
    return found


def _alternatives(tokens: list[str]) -> Language:
    found = [_sequence(tokens)]
    while tokens and tokens[0] == "|":
        tokens.pop(0)
        found.append(_sequence(tokens))
    return either(found)


def _sequence(tokens: list[str]) -> Language:
    parts = []
    while tokens and tokens[0] not in ("|", ")"):
        part = _atom(tokens)
        if tokens and (tokens[0] == "?" or tokens[0].startswith("{")):
            part = _repeated(part, tokens.pop(0))
        parts.append(part)
    found = END
    for part in reversed(parts):
        found = then(part, found)
    return found


def _atom(tokens: list[str]) -> Language:
    word = tokens.pop(0)
    if word in ("(?:", "("):
        found = _alternatives(tokens)
        if not tokens or tokens.pop(0) != ")":
            raise ValueError("a group is left open")
        return found
    if word == "\\d":
        return ("set", ANY_DIGIT)
    mask = 0
    for low, high in re.findall(r"([0-9])(?:-([0-9]))?", word):
        for digit in range(int(low), int(high or low) + 1):
            mask |= 1 << digit
    return ("set", mask)


def _repeated(part: Language, count: str) -> Language:
    if count == "?":
        return either([END, part])
    low, _, high = count[1:-1].partition(",")
    found = END
    for _ in range(int(high or low) - int(low)):
        found = either([END, then(part, found)])
    for _ in range(int(low)):
        found = then(part, found)
    return found


def then(first: Language, second: Language) -> Language:
    """A text of `first`, then one of `second`."""
    if NONE in (first, second):
        return NONE
    if first == END:
        return second
    if second == END:
        return first
    if first[0] == "seq":  # nested to the right, so that equal languages are equal values more often
        return ("seq", first[1], then(first[2], second))
    return ("seq", first, second)


def either(choices: list[Language]) -> Language:
    """A text of any of them."""
    flat: set[Language] = set()
    for choice in choices:
        if choice == ALL:
            return ALL
        if choice[0] == "alt":
            flat |= choice[1]
        elif choice != NONE:
            flat.add(choice)
    if len(flat) <= 1:
        return next(iter(flat), NONE)
    return ("alt", frozenset(flat))


@cache
def ends(found: Language) -> bool:
    """Whether the empty text belongs to it."""
    if found[0] == "seq":
        return ends(found[1]) and ends(found[2])
    if found[0] == "alt":
        return any(ends(choice) for choice in found[1])
    return found in (END, ALL)


@cache
def derivative(found: Language, digit: int) -> Language:
    """What may follow `digit`."""
    kind = found[0]
    if kind == "all":
        return ALL
    if kind == "set":
        return END if found[1] >> digit & 1 else NONE
    if kind == "alt":
        return either([derivative(choice, digit) for choice in found[1]])
    if kind == "seq":
        first, second = found[1], found[2]
        after = then(derivative(first, digit), second)
        return either([after, derivative(second, digit)]) if ends(first) else after
    return NONE


def words(found: Language) -> list[str]:
    """Every text of a finite language, shortest first. Raises ValueError when it is not finite."""
    if ends(found) and found == ALL:
        raise ValueError("a language without end")
    texts = [""] if ends(found) else []
    for digit in range(10):
        after = derivative(found, digit)
        if after != NONE:
            texts += [f"{digit}{rest}" for rest in words(after)]
    return sorted(texts, key=lambda text: (len(text), text))
