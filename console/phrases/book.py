"""Messages with places, and which of them a text was made from. Linear in the text: it may come from anybody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from console.phrases.shapes import fits

SENTENCES, ERRORS = "sentences", "errors"
"""Catalogues: what documents keep, and what errors say."""
_HOLE = re.compile(r"%\((\w+)\)s")
_LONGEST = 4000


@dataclass(frozen=True)
class Phrase:
    """One message. `shaped`: its parts have the shapes of their names (`shapes.SHAPES`)."""

    message: str
    shaped: bool = False

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(_HOLE.findall(self.message))

    @cached_property
    def literals(self) -> tuple[str, ...]:
        """What stands before, between and behind the places."""
        return tuple(part.replace("%%", "%") for part in _HOLE.split(self.message)[::2])

    @cached_property
    def weight(self) -> int:
        """Characters that are fixed: of two that fit, the one with more of them says more."""
        return sum(map(len, self.literals))

    def parts(self, text: str) -> dict[str, str] | None:
        """What fills the places, None where the text is none of this message's. Each literal is where it first stands."""
        first, *between = self.literals
        if not text.startswith(first):
            return None
        at, found = len(first), dict[str, str]()
        for number, (name, literal) in enumerate(zip(self.names, between, strict=True), 1):
            last = number == len(between)
            to = len(text) - len(literal) if last else text.find(literal, at)
            if to < at or (last and not text.endswith(literal)):
                return None
            part = text[at:to]
            if found.setdefault(name, part) != part or (self.shaped and not fits(name, part)):
                return None
            at = to + len(literal)
        return found if at == len(text) else None


class Book:
    """All messages of a catalogue."""

    def __init__(self, messages: Iterable[str], *, shaped: bool = False) -> None:
        phrases = sorted((Phrase(message, shaped) for message in messages), key=lambda one: -one.weight)
        self._exact = {one.literals[0]: one for one in phrases if not one.names}
        self._open = [one for one in phrases if one.names]

    def find(self, text: str) -> tuple[str, Mapping[str, str]] | None:
        """Message and parts of a text, None where no message fits."""
        if len(text) > _LONGEST:
            return None
        if text in self._exact:
            return self._exact[text].message, {}
        for phrase in self._open:
            parts = phrase.parts(text)
            if parts is not None:
                return phrase.message, parts
        return None
