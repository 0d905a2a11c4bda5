"""Release causes by name, and whose fault the release was: `causes.yml`, which the KPIs read, too."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

TABLE = Path(__file__).parent / "causes.yml"
UNLISTED = "network"  # whose fault a code is that the table does not list; NER counts it so, too
_REMEMBERED = 8_192


class Cause(NamedTuple):
    """`name` empty: the code stands for "none given". `ner` is the class behind NER."""

    name: str
    fault: str
    ner: str


@cache
def causes() -> dict[str, dict[int, Cause]]:
    """By protocol (`q850`, `sip`) and code."""
    tables = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return {
        protocol: {code: Cause(row.get("name", ""), row["fault"], row["class"]) for code, row in rows.items()}
        for protocol, rows in tables.items()
    }


def generic(protocol: str) -> list[int]:
    """Codes that say nothing by themselves, so that the other protocol decides."""
    return sorted(code for code, cause in causes()[protocol].items() if cause.ner == "generic")


class Releases(dict[tuple[int | None, int | None], str | None]):
    """(Q.850 cause, SIP status) → `name` or `fault` of the release; either code may be None.

    The cause decides, unless it is generic or absent; then the status; where that is 0 or absent, the generic cause's own
    name. None: no code says anything, or the deciding one has no name.
    """

    def __init__(self, gives: str) -> None:
        super().__init__()
        self.gives = gives

    def __missing__(self, codes: tuple[int | None, int | None]) -> str | None:
        if len(self) >= _REMEMBERED:
            self.clear()
        value = self[codes] = self._value(*codes)
        return value

    def _value(self, q850: int | None, sip: int | None) -> str | None:
        tables = causes()
        cause = None if q850 is None else tables["q850"].get(q850, Cause("", UNLISTED, UNLISTED))
        status = None if sip is None else tables["sip"].get(sip, Cause("", UNLISTED, UNLISTED))
        decisive = next((each for each in (cause, status) if each is not None and each.ner != "generic"), None)
        if decisive is None and cause is not None and cause.name:
            decisive = cause
        if decisive is None:
            return None
        return (decisive.name if self.gives == "name" else decisive.fault) or None


def dictionaries() -> dict[str, dict[str, str]]:
    """What Logstash's translate filter reads, by file name without its ending: `q850-name`: code → name, and so on."""
    return {
        f"{protocol}-{gives}": {str(code): text for code, cause in rows.items() if (text := getattr(cause, gives))}
        for protocol, rows in causes().items()
        for gives in ("name", "fault")
    }
