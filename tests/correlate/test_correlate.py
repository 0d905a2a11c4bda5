"""The job on a real store: late, doubled, killed, in any order, twice at once; it always ends with the same documents."""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import BusyhourError, StoreUnavailable
from infrastructure.setup import empty
from infrastructure.store import ItemResult, Store
from mediation.correlate import correlate, families, sessions
from mediation.correlate.pipeline import JOB
from tests.correlate.records import START, Document, at, everything, id_of, leg, marks, only, partial, put, report, step


def _traffic() -> list[Document]:
    """Sessions and calls of all kinds, some of them alone."""
    documents = []
    for number in range(6):
        shift = number * 37
        documents += [
            partial(1, shift, shift + 60, charging_id=number),
            partial(2, shift + 60, shift + 120, charging_id=number, up=number),
            partial(3, shift + 120, shift + 125, charging_id=number, cause="normal_release"),
            partial(1, shift, shift + 125, charging_id=number, sgw=True, cause="normal_release"),
            partial(1, shift, shift + 9, charging_id=1000 + number, cause="normal_release"),
            leg(f"c{number}", "1", shift, shift + 3, answer=shift + 1),
            leg(f"c{number}", "2", shift, shift + 3.5, answer=shift + 1),
            report(f"c{number}", "9", shift + 3, leg={"id": "9", "jitter": {"ms": 8.5}}),
            step(f"c{number}", "HANGUP", shift + 3),
            step(f"k{number}", "INVITE", shift, 404),
            leg(f"alone{number}", "1", shift, shift + 3),
        ]
    documents.append(partial(2, 3000, 3060, charging_id=3, cause="normal_release"))  # used again
    return documents


def test_correlate_makes_one_document_of_each_session_and_call(store: Store) -> None:
    put(store, _traffic())
    report = correlate(store, now=at(400))
    sessions, calls = everything(store, "session-epc"), everything(store, "call-voip")
    assert (len(sessions), len(calls)) == (7, 12)
    assert (report.epc.made, report.voip.made) == (7, 12)
    assert {session["session"]["state"] for session in sessions.values()} == {"ended"}
    assert len(marks(store, "cdr-epc")) == 6 * 4 + 1
    assert sorted(marks(store, "cdr-epc").values()).count("reconciling") == 6
    assert len(marks(store, "cdr-voip")) == 6 * 5


def test_correlate_writes_nothing_the_second_time(store: Store) -> None:
    put(store, _traffic())
    correlate(store, now=at(400))
    before = [hit for name in ("session-epc", "cdr-epc", "call-voip", "cdr-voip") for hit in store.scan(name)]
    again = correlate(store, since=START - timedelta(days=1))
    assert (again.written, again.epc.marked, again.voip.marked) == (0, 0, 0)
    assert again.epc.records > 0
    assert before == [hit for name in ("session-epc", "cdr-epc", "call-voip", "cdr-voip") for hit in store.scan(name)]


def test_correlate_reads_only_what_came_since_the_last_run(store: Store) -> None:
    put(store, [partial(1, 0, 60)])
    correlate(store, now=at(90))
    put(store, [partial(1, 100, 160, charging_id=8), partial(2, 160, 170, charging_id=8, cause="normal_release")])
    second = correlate(store, now=at(180))
    assert second.epc.keys == 1
    correlate(store, now=at(600))
    assert correlate(store, now=at(660)).epc.keys == 0
    assert len(everything(store, "session-epc")) == 2


def test_late_partial_remakes_its_session_under_the_same_id(store: Store) -> None:
    put(store, [partial(1, 0, 60), partial(3, 120, 130, cause="normal_release")])
    correlate(store, now=at(140))
    before = everything(store, "session-epc")
    assert only(before)["session"]["missing"] == [2]
    put(store, [partial(2, 60, 120, came=300)])
    report = correlate(store, now=at(301))
    after = everything(store, "session-epc")
    assert after.keys() == before.keys()
    assert only(after)["epc"]["total"]["bytes"] == 3300
    assert "missing" not in only(after)["session"]
    assert (report.epc.made, report.epc.remade, report.epc.marked) == (0, 1, 1)


def test_late_leg_remakes_its_call(store: Store) -> None:
    put(store, [leg("a", "1", 0, 3, release={"q850": 34})])
    assert correlate(store, now=at(5)).written == 0
    put(store, [leg("a", "2", 0, 4, answer=1, came=500)])
    correlate(store, now=at(501))
    assert only(everything(store, "call-voip"))["voip"]["disposition"] == "answered"


def test_session_whose_first_record_comes_late_from_the_day_before_is_not_doubled(store: Store) -> None:
    midnight = 15 * 60
    put(store, [partial(2, midnight + 1, midnight + 60, cause="normal_release")])
    correlate(store, now=at(midnight + 61))
    put(store, [partial(1, midnight - 60, midnight + 1, came=midnight + 500)])
    report = correlate(store, now=at(midnight + 501))
    assert report.epc.withdrawn == 1
    session = only(everything(store, "session-epc"))
    assert session["session"]["partials"] == 2
    stood = next(iter(store.scan("session-epc")))["_source"]["cdr"]["moved_from"]
    assert stood == session["@timestamp"]


def test_record_beyond_the_window_is_counted_in_the_report_and_the_job(store: Store) -> None:
    put(store, [partial(1, 0, 60), partial(2, 60, 70, cause="normal_release")])
    correlate(store, now=at(80))
    late = partial(2, 60, 65, came=70 + 169 * 60, epc={"qci": 5})
    put(store, [late])
    report = correlate(store, now=at(70 + 170 * 60))
    assert (report.epc.late, report.epc.marked, report.late_total) == (1, 0, 1)
    assert marks(store, "cdr-epc")[id_of(late)] == "late"
    assert only(everything(store, "session-epc"))["correlation"]["late"] == 1
    again = correlate(store, now=at(70 + 171 * 60))
    assert (again.epc.late, again.late_total) == (0, 1)
    job = store.get("job", JOB)
    assert job is not None
    assert json.loads(job.source["job"]["detail"])["late_total"] == 1


def test_id_with_too_many_records_is_named_and_its_records_stay_as_they_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediation.correlate.finding.MOST_RECORDS", 3)
    put(store, [leg("0", str(number), number, number + 1) for number in range(4)])
    put(store, [leg("fine", "1", 0, 1), leg("fine", "2", 0, 1)])
    report = correlate(store)
    assert (report.voip.oversized, report.oversized) == (1, ["voip 0: 4"])
    assert len(everything(store, "call-voip")) == 1
    assert len(marks(store, "cdr-voip")) == 2


@pytest.mark.parametrize("at_once", [0, 10**9])
def test_correlate_pages_through_more_keys_than_one_request_takes(
    store: Store, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    put(store, _traffic())
    correlate(store)
    whole = everything(store, "session-epc"), everything(store, "call-voip")
    empty(store)
    monkeypatch.setattr("mediation.correlate.finding._KEYS", 2)
    monkeypatch.setattr("mediation.correlate.finding._AT_ONCE", at_once)
    monkeypatch.setattr("mediation.correlate.finding._READ", 5)
    monkeypatch.setattr("mediation.correlate.finding._HITS", 6)
    put(store, _traffic())
    store._row_cap = 3
    try:
        correlate(store)
    finally:
        store.forget()
    assert whole == (everything(store, "session-epc"), everything(store, "call-voip"))


def outcome(store: Store) -> tuple[Any, ...]:
    """All that a run of the job leaves behind."""
    return (
        everything(store, "session-epc"),
        everything(store, "call-voip"),
        marks(store, "cdr-epc"),
        marks(store, "cdr-voip"),
    )


class _Killed(BaseException):
    """As kill -9: nothing of ours catches it."""


@pytest.mark.parametrize("writes", range(4))
def test_killed_run_is_mended_by_the_next(store: Store, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    put(store, _traffic())
    correlate(store, now=at(400))
    whole = outcome(store)
    empty(store)
    put(store, _traffic())
    monkeypatch.setattr("mediation.correlate.finding._READ", 8)
    send, left = Store.bulk_texts, itertools.count(writes, -1)

    def killing(self: Store, texts: Sequence[str]) -> list[ItemResult]:
        if next(left) > 0:
            return send(self, texts)
        send(self, texts[: len(texts) // 2])  # half of the request was done when it died
        raise _Killed

    monkeypatch.setattr(Store, "bulk_texts", killing)
    with pytest.raises(_Killed):
        correlate(store, now=at(400))
    assert store.get("job", JOB) is None
    monkeypatch.setattr(Store, "bulk_texts", send)
    correlate(store, now=at(401))
    after = outcome(store)
    assert after == whole


def test_two_runs_at_once_end_with_the_same_documents(store: Store) -> None:
    put(store, _traffic())
    correlate(store)
    whole = everything(store, "session-epc"), marks(store, "cdr-epc"), everything(store, "call-voip")
    for _ in range(3):
        empty(store)
        put(store, _traffic())
        problems: list[BusyhourError] = []
        threads = [threading.Thread(target=_tried, args=(store, problems)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert whole == (everything(store, "session-epc"), marks(store, "cdr-epc"), everything(store, "call-voip"))


def _tried(store: Store, problems: list[BusyhourError]) -> None:
    try:
        correlate(store)
    except BusyhourError as error:
        problems.append(error)


def test_stale_run_does_not_overwrite_what_a_later_one_made(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It read two records; before it writes, a third comes and another run makes the session of all three."""
    put(store, [partial(1, 0, 60), partial(2, 60, 120)])
    correlate(store)
    put(store, [partial(3, 120, 125)])
    send, once = Store.bulk_texts, iter([True])

    def overtaken(self: Store, texts: Sequence[str]) -> list[ItemResult]:
        if texts and next(once, False):
            put(store, [partial(4, 125, 130, cause="normal_release")])
            correlate(Store.connect(store.settings), since=START)
        return send(self, texts)

    monkeypatch.setattr(Store, "bulk_texts", overtaken)
    correlate(store, since=START)
    assert only(everything(store, "session-epc"))["session"]["partials"] == 4


def test_write_that_took_long_is_stamped_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elasticsearch was away for ten minutes between stamp and write: a roll-up would look for the stamp in vain."""
    put(store, [partial(1, 0, 60), partial(2, 60, 120)])
    clock = iter([at(200), at(200), at(210)])
    monkeypatch.setattr(store, "clock", lambda: next(clock, at(211)))
    correlate(store)
    stamps = {hit["_source"]["event"]["ingested"] for hit in store.scan("session-epc")}
    stamps |= {hit["_source"]["cdr"]["correlated"] for hit in store.scan("cdr-epc")}
    assert stamps == {"2026-11-02T12:31:00.000Z"}


def test_document_that_is_refused_is_told_and_stops_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, [partial(1, 0, 60, charging_id=1), partial(2, 60, 61, charging_id=1)])
    put(store, [leg("a", "1", 0, 1), leg("a", "2", 0, 1)])
    made = sessions.sessions

    def odd(*arguments: Any) -> Any:
        return [replace(one, document={**one.document, "nobody": {"knows": 1}}) for one in made(*arguments)]

    voip, epc = families.FAMILIES
    monkeypatch.setattr("mediation.correlate.pipeline.FAMILIES", (replace(epc, make=odd), voip))
    report = correlate(store)
    assert report.epc.refused == 1
    assert "nobody" in report.problems[0]
    assert len(everything(store, "call-voip")) == 1


def test_run_on_an_empty_store_makes_nothing(store: Store) -> None:
    report = correlate(store)
    assert (report.written, report.late_total, report.epc.keys) == (0, 0, 0)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(1, 50), max_size=4))
def test_order_of_files_and_runs_changes_nothing(store: Store, seed: int, cuts: list[int]) -> None:
    empty(store)
    put(store, _traffic())
    correlate(store, now=at(4000))
    whole = outcome(store)
    empty(store)
    documents = _traffic()
    random.Random(seed).shuffle(documents)
    edges = sorted({0, len(documents), *cuts})
    for low, high in itertools.pairwise(edges):
        put(store, documents[low:high])
        correlate(store, since=START - timedelta(days=1))
    after = outcome(store)
    assert after == whole


def test_store_that_is_away_fails_the_run_and_keeps_its_checkpoint(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    correlate(store, now=at(0))
    put(store, [partial(1, 0, 60), partial(2, 60, 120)])

    def away(_self: Store, _texts: Sequence[str]) -> list[ItemResult]:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "bulk_texts", away)
        with pytest.raises(StoreUnavailable):
            correlate(store, now=at(130))
    correlate(store, now=at(131))
    assert only(everything(store, "session-epc"))["session"]["partials"] == 2
