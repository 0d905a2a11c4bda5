"""The table of incident types in docs/generator.md, made from the library.

`python -m datagen.listing docs/generator.md` writes it anew between its marks; a test fails when it is stale.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from contracts.errors import UserError
from datagen.library import IncidentType, read_types, words_of

BEGIN, END = "<!-- incident types: made by python -m datagen.listing -->", "<!-- end of incident types -->"


def table(types: Mapping[str, IncidentType]) -> str:
    """Markdown, a row a type."""
    head = "| type | strikes a | usually | strength | moves | given away by | found by, within |\n|---|---|---|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(_row(kind))} |\n" for kind in types.values())


def _row(kind: IncidentType) -> tuple[str, ...]:
    callers = f" of {kind.callers} callers" if kind.callers else ""
    return (
        f"`{kind.name}`",
        f"{' or '.join(kind.places)}{callers}",
        f"{words_of(kind.duration)}, {kind.shape}",
        f"{kind.strength[0]:g}: {kind.meaning}",
        ", ".join(f"`{kpi}` {move}" for kpi, move in kind.kpis.items()) or "–",
        ", ".join(f"`{field}`" for field in kind.signals) or "–",
        f"{kind.scored_by}, {words_of(kind.delay_limit)}",
    )


def written(text: str, types: Mapping[str, IncidentType]) -> str:
    """The page with the table between its marks. Raises UserError where the marks are not."""
    pattern = re.compile(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise UserError("has no marks for the table of incident types", remedy=f"put in {BEGIN} and {END}")
    return pattern.sub(lambda _: f"{BEGIN}\n\n{table(types)}\n{END}", text)


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(written(page.read_text("utf-8"), read_types()), "utf-8")
