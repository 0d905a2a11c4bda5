"""Who is not told: an alert that a silence matches, or that another firing alert explains. Pure; every mute has its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from alerting.alert import Candidate, Span
from alerting.inhibition import Rule, inhibiting
from alerting.matchers import Facts, all_match
from alerting.silences import Silence, silencing
from contracts.clock import iso

SILENCED, INHIBITED = "silenced", "inhibited"


class Mute(NamedTuple):
    how: str
    why: str


class Muting:
    """Silences and rules of one run, as of one moment: `firing` are the alerts that fire then."""

    def __init__(
        self, silences: Sequence[Silence], rules: Sequence[Rule], firing: Iterable[Span], at: datetime
    ) -> None:
        self._at = at
        self._silences = [each for each in silences if each.state(at) == "active"]
        self._rules = rules
        self._sources = [span for span in firing if any(all_match(rule.source, span.facts) for rule in rules)]

    def of(self, facts: Facts) -> Mute | None:
        """Why an alert with these facts is told to nobody now; None: it is told."""
        silence = silencing(self._silences, facts, self._at)
        if silence is not None:
            return Mute(SILENCED, f"silenced by {silence.by} until {iso(silence.ends_at)}: {silence.comment}")
        found = inhibiting(self._rules, self._sources, facts)
        if found is not None:
            rule, source = found
            return Mute(INHIBITED, f"inhibited by alert {source.id[:12]} ({source.facts['alertname'][0]}): {rule.name}")
        return None


def facts_of(
    watch: str, severity: str, labels: Mapping[str, str], about: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """What matchers look at: `alertname` and `severity`, labels, and what the alert touches beside them."""
    facts = {name: (value,) for name, value in labels.items()}
    for name, values in about.items():
        facts[name] = tuple(dict.fromkeys((*facts.get(name, ()), *values)))
    return {**facts, "alertname": (watch,), "severity": (severity,)}


def facts_of_candidate(watch: str, found: Candidate) -> dict[str, tuple[str, ...]]:
    return facts_of(watch, found.severity, found.labels, found.about)


def turns(span: Span, mute: Mute | None, at: datetime) -> bool:
    """Whether an alert that goes on is muted or heard again at `at`. A moment judged a second time turns nothing."""
    return (mute is not None) != span.muted and at > (span.turned or span.starts_at)
