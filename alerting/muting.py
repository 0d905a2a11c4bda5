"""Who is not told: an alert that a silence or a maintenance window covers, that another firing alert explains, or that flaps.

Pure; every mute has its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from alerting.alert import Candidate, Span
from alerting.durations import spoken
from alerting.inhibition import Rule, inhibiting
from alerting.matchers import Facts, all_match
from alerting.silences import Silence, silencing
from alerting.watch import Flapping
from contracts.clock import epoch_ms, from_epoch_ms, iso
from detectors.calendars import Planned

SILENCED, INHIBITED, MAINTENANCE, FLAPPING = "silenced", "inhibited", "maintenance", "flapping"
MUTES = (SILENCED, MAINTENANCE, INHIBITED, FLAPPING)


class Mute(NamedTuple):
    how: str
    why: str


class Muting:
    """Silences, windows and rules of one run, as of one moment: `firing` are the alerts that fire then, looked at when needed."""

    def __init__(
        self,
        silences: Sequence[Silence],
        rules: Sequence[Rule],
        firing: Iterable[Span],
        at: datetime,
        windows: Sequence[Planned] = (),
    ) -> None:
        self._at, self._rules, self._firing = at, rules, firing
        self._silences = [each for each in silences if each.state(at) == "active"]
        now = epoch_ms(at)
        self._windows = [each for each in windows if each.kind == "maintenance" and each.start <= now < each.end]

    @cached_property
    def _sources(self) -> list[Span]:
        return [span for span in self._firing if any(all_match(rule.source, span.facts) for rule in self._rules)]

    def of(self, facts: Facts, spans: Iterable[Span] = (), damping: Flapping | None = None) -> Mute | None:
        """Why an alert with these facts is told to nobody now; None: it is told. `spans`: its fingerprint's life so far."""
        silence = silencing(self._silences, facts, self._at)
        if silence is not None:
            return Mute(SILENCED, f"silenced by {silence.by} until {iso(silence.ends_at)}: {silence.comment}")
        window = next((each for each in self._windows if in_maintenance(each, facts)), None)
        if window is not None:
            return Mute(MAINTENANCE, f"maintenance until {iso(from_epoch_ms(window.end))}: {window.title}")
        found = inhibiting(self._rules, self._sources, facts) if self._rules else None
        if found is not None:
            rule, source = found
            return Mute(INHIBITED, f"inhibited by alert {source.id[:12]} ({source.facts['alertname'][0]}): {rule.name}")
        return flaps(damping, spans, self._at)


def in_maintenance(window: Planned, facts: Facts) -> bool:
    """Of the whole network: whatever is about a service or an entity. Of some entities: what names one of them first."""
    places = facts.get("entity") or ()
    if not window.entities:
        return bool(places or facts.get("service"))
    return bool(places) and places[0] in {f"{entity.type}:{entity.id}" for entity in window.entities}


def flaps(damping: Flapping | None, spans: Iterable[Span], at: datetime) -> Mute | None:
    """Whether an alert began and ended too often of late."""
    if damping is None:
        return None
    since = at - damping.within
    moments = [moment for span in spans for moment in (span.starts_at, span.ends_at) if moment is not None]
    changes = sum(since < moment < at for moment in moments)
    if changes < damping.changes:
        return None
    return Mute(
        FLAPPING, f"flapping: {changes} changes within {spoken(damping.within)}, {damping.changes} are too many"
    )


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
