"""Inhibition: an alert that another one explains is not told. The rules are in `inhibitions.yml`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alerting.alert import Span
from alerting.matchers import Facts, Matcher, all_match, matcher
from contracts.errors import DefinitionError, UserError

_PATH = Path(__file__).with_name("inhibitions.yml")
_KEYS = {"name", "source", "target", "equal"}


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]

    def may_come_from(self, watch: str) -> bool:
        """Whether alerts of this watch can be its source."""
        return all(each.matches({"alertname": (watch,)}) for each in self.source if each.name == "alertname")

    def explains(self, source: Facts, target: Facts) -> bool:
        """No alert explains itself, nor one that explains it by this rule, too."""
        if not all_match(self.source, source) or not all_match(self.target, target):
            return False
        if all_match(self.source, target) and all_match(self.target, source):
            return False
        return all(set(source.get(name, ())) & set(target.get(name, ())) for name in self.equal)


def read_rules(path: Path = _PATH) -> tuple[Rule, ...]:
    """Raises DefinitionError naming file and rule."""
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    if not isinstance(content, list):
        raise DefinitionError("holds no list of rules", where=str(path))
    return tuple(_rule(row, f"{path}: rule {number}") for number, row in enumerate(content, 1))


def _rule(row: Any, where: str) -> Rule:
    if not isinstance(row, dict) or set(row) != _KEYS or not row["source"] or not row["target"]:
        raise DefinitionError(f"wants {', '.join(sorted(_KEYS))}, source and target not empty", where=where)
    try:
        source, target = (tuple(matcher(str(text)) for text in row[side]) for side in ("source", "target"))
    except UserError as error:
        raise DefinitionError(error.what, where=where, remedy=error.remedy) from None
    return Rule(str(row["name"]), source, target, tuple(map(str, row["equal"])))


def inhibiting(rules: Sequence[Rule], firing: Iterable[Span], facts: Facts) -> tuple[Rule, Span] | None:
    """The first rule by which one of the firing alerts explains an alert with these facts, and that alert."""
    wanted = [rule for rule in rules if all_match(rule.target, facts)]
    if not wanted:
        return None
    return next(((rule, span) for span in firing for rule in wanted if rule.explains(span.facts, facts)), None)
