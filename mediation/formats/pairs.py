"""Lines of pairs: `method=INVITE;code=200;…`, as SIP servers write them to syslog."""

from __future__ import annotations

from collections.abc import Callable

from contracts.outcomes import Reason, Reject
from mediation.layout import Layout


def pairs(text: str, separator: str, equals: str) -> dict[str, str]:
    """Keys to values, the first of two with the same key; a piece without `equals` belongs to no key and is left out.

    A key has no blanks: of `transaction answered: timestamp=1` it is `timestamp`.
    """
    found: dict[str, str] = {}
    for piece in text.split(separator):
        key, mark, value = piece.partition(equals)
        if mark:
            found.setdefault(key.rpartition(" ")[2], value)
    return found


def pairs_reader(layout: Layout, header: list[str]) -> Callable[[str], list[str] | Reject]:
    """Record → cells. A line without the text that the pairs stand behind, or without any pair, is no record."""
    form, names = layout.format, [column.name for column in layout.columns]

    def read(line: str) -> list[str] | Reject:
        _, mark, text = line.partition(form.after) if form.after else ("", "-", line)
        found = pairs(text, form.separator, form.equals)
        if not mark:
            return Reject(Reason.BAD_RECORD, "", f"has no {form.after!r}, behind which the pairs would stand")
        if not found:
            return Reject(Reason.BAD_RECORD, "", f"has no pair key{form.equals}value")
        return [found.get(name, "") for name in names]

    return read
