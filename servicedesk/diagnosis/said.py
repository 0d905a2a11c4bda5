"""Sentences of a diagnosis: English text that keeps its message and parts, so that a page can say it in another language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from contracts.clock import iso
from contracts.entities import Entity
from detectors.wording import entity_words, number


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its unit."""

    value: float
    unit: str


Part = str | int | datetime | Entity | Figure | tuple[str, ...]
"""What a message is filled with; a text may be a sentence of its own (`Said`), a tuple is a list of them."""


class Said(str):
    """The English text. `message`: with `%(name)s` where `parts` stand; the key of its translations."""

    message: str
    parts: Mapping[str, Part]

    def __new__(cls, message: str, **parts: Part) -> Said:
        text = message % {name: _plain(part) for name, part in parts.items()} if parts else message
        return cls.of(text, message, **parts)

    @classmethod
    def of(cls, text: str, message: str, **parts: Part) -> Said:
        """With an English text of its own, where that says more than the message does."""
        made = super().__new__(cls, text)
        made.message, made.parts = message, parts
        return made


def _plain(part: Part) -> str:
    if isinstance(part, Entity):
        return entity_words(part)
    if isinstance(part, datetime):
        return iso(part)[:16]
    if isinstance(part, Figure):
        return number(part.value, part.unit)
    return ", ".join(part) if isinstance(part, tuple) else str(part)
