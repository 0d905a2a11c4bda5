"""Sentences in the rows of a panel, as a viewer has them: the answer itself is shared by viewers of every language and zone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from console.codes import spoken
from console.i18n import Words
from dashboards.model import Panel

_WRONG = b'"state":"wrong"'


def speaks(panel: Panel, body: bytes) -> bool:
    """Whether an answer holds sentences: in a column, or of an error."""
    return any(spoken(name) for name in panel.values) or _WRONG in body[:200]


@lru_cache(200)  # some hundred kilobytes each at most; viewers of a language and zone share them
def told(body: bytes, words: Words) -> bytes:
    """The answer with its sentences in the viewer's words."""
    content = orjson.loads(body)
    if content["state"] == "wrong":
        return orjson.dumps({**content, "detail": words.error(content["detail"])})
    picture = content.get("picture", {})
    columns = [number for number, column in enumerate(picture.get("columns", ())) if spoken(column["name"])]
    for row in picture.get("rows", ()):
        at = next((cell for cell in row if _is_time(cell)), None)
        for number in columns:
            row[number] = words.told(row[number], at) if isinstance(row[number], str) else row[number]
    return orjson.dumps(content)


def _is_time(cell: Any) -> bool:
    return isinstance(cell, str) and len(cell) >= 20 and cell[4:5] == "-" and cell[10:11] == "T"
