"""What the parts of stored sentences look like, by the name of their place: so that people's words are not taken for one."""

from __future__ import annotations

import re

from console.codes import ENTITIES

TYPES = {**{name.replace("_", " "): said for name, said in ENTITIES.items()}, **{one: one for one in ENTITIES.values()}}
"""Kind of an entity as a sentence has it → message."""
_DAY, _MONTH = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)", "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
NUMBER = r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
QUANTITY = re.compile(rf"({NUMBER}|{NUMBER}e[+-]\d+|nan)(?: (\S.{{0,23}}))?")
"""Number, unit."""
HOURS = re.compile(rf"({_DAY})(?: (\d\d:\d\d)(?:–(?:({_DAY}) )?(\d\d:\d\d))?)?")
"""An hour of the week, or from one to another; a weekday alone."""
SINCE = re.compile(rf"{_DAY} (\d\d) ({_MONTH})(?: (\d\d:\d\d))?")
"""A day of a year that is not said."""
ENTITY = re.compile(f"({'|'.join(sorted(TYPES, key=len, reverse=True))}) (.+)")
_SEVERITY = re.compile("critical|major|minor|warning")
SHAPES: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(("actual", "usual", "target", "low", "high", "samples"), QUANTITY),
    "kpi": re.compile(r"[^;:()]{1,60}"),
    "since": SINCE,
    "when": HOURS,
    "entity": ENTITY,
    "old": _SEVERITY,
    "severity": _SEVERITY,
    "ctx": re.compile(r"ctx\.\S+"),
}
VERBATIM = frozenset({"close"})
"""Places of what stays as it is, though it may be a code: a name that is proposed."""


def fits(name: str, part: str) -> bool:
    """Whether a part may stand at the place of that name."""
    shape = SHAPES.get(name)
    return shape is None or shape.fullmatch(part) is not None
