"""Matchers as Alertmanager writes them: `service=voip`, `severity!=critical`, `alertname=~"target-*|feed-*"`.

Where Alertmanager takes regular expressions, `=~` and `!~` take words between `|` in which `*` stands for anything (and so does
`.*`): these cannot be made to run for ever. A name may have several values (the services of an incident); `=` and `=~` hold when
one of them matches, `!=` and `!~` when none does. A name that is not there has the value "".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from contracts.errors import UserError

Facts = Mapping[str, Sequence[str]]  # name → values: labels of an alert and what it is about
_FORM = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_LONGEST = 500


class Matcher(NamedTuple):
    name: str
    op: str
    value: str

    def __str__(self) -> str:
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.name}{self.op}"{quoted}"'

    def matches(self, facts: Facts) -> bool:
        values = facts.get(self.name) or ("",)
        if self.op.endswith("~"):
            words = [word.strip().replace(".*", "*") for word in self.value.split("|")]
            found = any(fnmatchcase(value, _literal(word)) for value in values for word in words)
        else:
            found = self.value in values
        return found != self.op.startswith("!")


def _literal(word: str) -> str:
    """Of the wildcards of file names only the star is one here."""
    return word.replace("[", "[[]").replace("?", "[?]")


def matcher(text: str) -> Matcher:
    """Raises UserError on what is no matcher."""
    found = _FORM.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise UserError(
            f"{text[:80]!r} is no matcher", remedy='write name=value, name!=value, name=~"a|b*" or name!~"a|b*"'
        )
    name, op, value = found.groups()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return Matcher(name, op, value)


def all_match(matchers: Iterable[Matcher], facts: Facts) -> bool:
    return all(each.matches(facts) for each in matchers)
