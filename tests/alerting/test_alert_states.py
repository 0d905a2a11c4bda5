"""Laws of alert states, over any history of findings: hypothesis plays the network, a plain model keeps count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from alerting.alert import NO_DATA, Candidate, Span
from alerting.fingerprint import alert_id, fingerprint
from alerting.state import Change, decide

START = datetime(2026, 11, 10, tzinfo=UTC)
NAMES = st.sampled_from(["A", "B", "C"])


def candidate(name: str, over: bool = False) -> Candidate:
    return Candidate(fingerprint("w", {"id": name}), {"id": name}, "major", name, name, "", over, {})


def blind(name: str) -> Candidate:
    labels = {"id": name, "state": NO_DATA}
    mark, of = fingerprint("w", labels), candidate(name).fingerprint
    return Candidate(mark, labels, "warning", name, name, "", False, {}, status=NO_DATA, shadows=of)


class Alerts(RuleBasedStateMachine):
    """Applies decisions as the pipeline does: whatever is found, in whatever order, the laws below hold."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.spans: dict[str, list[Span]] = {}
        self.holding: set[str] = set()
        self.fired = self.resolved = 0

    @rule(names=st.sets(NAMES), minutes=st.integers(1, 60))
    def tick(self, names: set[str], minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.apply([candidate(name) for name in sorted(names)])
        assert self.firing() == {candidate(name).fingerprint for name in names}

    @rule(name=NAMES, minutes=st.integers(1, 60))
    def over(self, name: str, minutes: int) -> None:
        """A finding that is over: it resolves what fires, or is told of as fired and resolved, once."""
        self.now += timedelta(minutes=minutes)
        before = len(self.spans.get(candidate(name).fingerprint, []))
        self.apply([candidate(name, over=True)])
        assert candidate(name).fingerprint not in self.firing()
        assert len(self.spans[candidate(name).fingerprint]) == max(before, 1)

    @rule(names=st.sets(NAMES), missing=st.sets(NAMES), minutes=st.integers(1, 60))
    def want_of_data(self, names: set[str], missing: set[str], minutes: int) -> None:
        """Of some there is no data: they have an alert of that beside them, and what fired of them goes on firing."""
        self.now += timedelta(minutes=minutes)
        before = self.firing()
        found = [candidate(name) for name in sorted(names - missing)] + [blind(name) for name in sorted(missing)]
        self.apply(found)
        fires = {candidate(name).fingerprint for name in names - missing}
        fires |= {candidate(name).fingerprint for name in missing} & before
        assert self.firing() == fires | {blind(name).fingerprint for name in missing}

    @rule(back=st.integers(0, 500), names=st.sets(NAMES))
    def replay(self, back: int, names: set[str]) -> None:
        """The same moment judged again by another runner that finds the same: no new decision to act on."""
        firing = [candidate(name) for name in sorted(names) if candidate(name).fingerprint in self.firing()]
        rest = [mark for mark in self.firing() if mark not in {one.fingerprint for one in firing}]
        found = [*firing, *(candidate(name) for name in ("A", "B", "C") if candidate(name).fingerprint in rest)]
        found += [blind(name) for name in ("A", "B", "C") if blind(name).fingerprint in rest]
        assert all(row.change in (Change.HOLD, Change.SKIP) for row in decide(self.spans, found, self.now))

    @rule()
    def blind(self) -> None:
        """An answer that was cut resolves nothing."""
        assert not [row for row in decide(self.spans, [], self.now, complete=False) if row.change is Change.RESOLVE]

    def apply(self, found: list[Candidate]) -> None:
        for change, reason, one, span in decide(self.spans, found, self.now):
            assert reason
            if change in (Change.FIRE, Change.BRIEF) and one is not None:
                ends = self.now if change is Change.BRIEF else None
                new = Span(alert_id(one.fingerprint, self.now), one.fingerprint, self.now, ends)
                self.spans.setdefault(one.fingerprint, []).append(new)
                self.fired += 1
                self.resolved += change is Change.BRIEF
            elif change is Change.RESOLVE and span is not None:
                mine = self.spans[span.fingerprint]
                mine[mine.index(span)] = Span(span.id, span.fingerprint, span.starts_at, self.now)
                self.resolved += 1

    def firing(self) -> set[str]:
        return {mark for mark, spans in self.spans.items() for span in spans if span.ends_at is None}

    @invariant()
    def one_firing_alert_a_fingerprint(self) -> None:
        for spans in self.spans.values():
            assert sum(span.ends_at is None for span in spans) <= 1
            assert len({span.id for span in spans}) == len(spans)

    @invariant()
    def lives_follow_each_other(self) -> None:
        for spans in self.spans.values():
            for first, second in pairwise(spans):
                assert first.ends_at is not None
                assert first.starts_at <= first.ends_at <= second.starts_at

    @invariant()
    def every_firing_is_resolved_or_fires(self) -> None:
        assert self.fired == self.resolved + len(self.firing())


TestAlerts = Alerts.TestCase


@given(st.lists(st.tuples(st.sets(NAMES), st.integers(1, 30)), max_size=12))
def test_alert_history_judged_again_from_the_start_asks_for_nothing_new(
    steps: list[tuple[set[str], int]],
) -> None:
    machine = Alerts()
    ticks = []
    for names, minutes in steps:
        machine.tick(names, minutes)
        ticks.append((machine.now, names))
    for at, names in ticks:
        decisions = decide(machine.spans, [candidate(name) for name in names], at)
        assert not [row for row in decisions if row.change in (Change.FIRE, Change.BRIEF)]
        for row in decisions:
            assert row.change is not Change.RESOLVE or row.span is None or row.span.starts_at <= at


def test_alert_that_resolved_later_is_left_alone_when_an_earlier_moment_is_judged_again() -> None:
    mark = candidate("A").fingerprint
    known = {mark: [Span("x", mark, START, START + timedelta(hours=2))]}
    (row,) = decide(known, [candidate("A", over=True)], START + timedelta(hours=1))
    assert (row.change, row.reason) == (Change.SKIP, "resolved later already")


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4), st.text(max_size=5))
def test_fingerprint_depends_on_labels_and_watch_and_not_on_their_order(labels: dict[str, str], watch: str) -> None:
    backwards = dict(reversed(labels.items()))
    assert fingerprint(watch, labels) == fingerprint(watch, backwards)
    assert fingerprint(watch, labels) != fingerprint(watch + "x", labels)
    assert fingerprint(watch, labels) != fingerprint(watch, {**labels, "one more": ""})
