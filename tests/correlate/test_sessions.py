"""Partial records become data sessions: summed once each, by the P-GW, ended by a final cause only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.clock import iso
from mediation.correlate.records import Made, Window, value
from mediation.correlate.sessions import sessions
from tests.correlate.records import Document, at, held, id_of, partial

HOUR = 3_600_000
WINDOW = Window(start=24 * HOUR, late=168 * HOUR)
KEY = ("192.0.2.1", 7)


def _made(*documents: Document) -> list[Made]:
    return sessions(KEY, held(documents), WINDOW)


def _one(*documents: Document) -> Document:
    (made,) = _made(*documents)
    return made.document


def _total(document: Document) -> Any:
    return value(document, "epc.total.bytes")


def test_session_sums_its_partial_records_and_ends_by_the_final_one() -> None:
    session = _one(partial(1, 0, 60), partial(2, 60, 120), partial(3, 120, 130, up=5, down=6, cause="abnormal_release"))
    assert _total(session) == 2 * 1100 + 11
    assert session["session"]["state"] == "ended"
    assert session["epc"]["cause_for_closing"] == "abnormal_release"
    assert session["event"]["outcome"] == "failure"
    assert (session["event"]["start"], session["event"]["end"]) == (iso(at(0)), iso(at(130)))
    assert session["@timestamp"] == iso(at(130))
    assert session["epc"]["duration"]["sec"] == 130 * 60
    assert session["session"]["missing_count"] == 0
    assert "record_sequence" not in session["epc"]
    assert "surplus" not in session["cdr"]


@pytest.mark.parametrize("cause", ["volume_limit", "time_limit", "serving_node_change", "max_change_conditions"])
def test_session_stays_open_when_the_cause_is_partial(cause: str) -> None:
    session = _one(partial(1, 0, 60, cause=cause))
    assert session["session"]["state"] == "open"
    assert session["epc"]["final"] is False
    assert session["cdr"]["surplus"] == "open"
    assert session["event"]["outcome"] == "unknown"


def test_session_of_one_final_record_is_that_record() -> None:
    assert _made(partial(1, 0, 60, cause="normal_release")) == []
    assert _made(partial(None, 0, 60, cause="normal_release")) == []


def test_session_lists_the_sequence_numbers_that_are_missing() -> None:
    session = _one(partial(3, 120, 180), partial(6, 300, 310, cause="normal_release"))
    assert session["session"]["missing"] == [1, 2, 4, 5]
    assert session["session"]["missing_count"] == 4
    lone = _one(partial(2, 60, 70, cause="normal_release"))
    assert lone["session"]["missing"] == [1]


def test_session_bounds_the_list_of_missing_numbers_when_one_is_absurd() -> None:
    session = _one(partial(1, 0, 60), partial(2**40, 60, 70, cause="normal_release"))
    assert len(session["session"]["missing"]) == 100
    assert session["session"]["missing_count"] == 2**40 - 2


def test_session_counts_a_sequence_number_once_when_it_comes_twice() -> None:
    again = partial(2, 60, 119, up=999, down=999)
    made = _made(partial(1, 0, 60), partial(2, 60, 120), again, partial(3, 120, 130, cause="normal_release"))
    assert len(made) == 1
    assert _total(made[0].document) == 3 * 1100
    assert made[0].document["session"]["duplicates"] == 1
    assert made[0].surplus[id_of(again)] == "duplicate"


def test_session_without_numbers_counts_each_interval_once() -> None:
    twice = partial(None, 60, 120, epc={"qci": 9})
    session = _one(partial(None, 0, 60), partial(None, 60, 120), twice, partial(None, 120, 130, cause="normal_release"))
    assert _total(session) == 3 * 1100
    assert session["session"]["duplicates"] == 1


def test_session_is_what_the_pgw_says_and_the_sgw_reconciles() -> None:
    made = _made(
        partial(1, 0, 60),
        partial(2, 60, 90, cause="normal_release"),
        partial(1, 0, 45, up=90, down=900, sgw=True, cause="serving_node_change"),
        partial(
            1, 45, 90, up=100, down=950, sgw=True, cause="normal_release", epc={"sgw": {"address": "198.51.100.9"}}
        ),
    )
    session = made[0].document
    assert len(made) == 1
    assert _total(session) == 2200
    assert session["epc"]["record_type"] == "pgw-cdr"
    by_sgw = session["session"]["sgw"]
    assert by_sgw["records"] == 2
    assert by_sgw["total"]["bytes"] == 90 + 900 + 100 + 950
    assert by_sgw["difference"]["bytes"] == 2200 - 2040
    assert sorted(made[0].surplus.values()) == ["", "", "reconciling", "reconciling"]


def test_session_is_open_while_only_the_sgw_has_closed_it() -> None:
    session = _one(partial(1, 0, 60), partial(1, 0, 70, sgw=True, cause="normal_release"))
    assert session["session"]["state"] == "open"


def test_session_of_sgw_records_alone_counts_them() -> None:
    session = _one(partial(1, 0, 60, sgw=True), partial(2, 60, 90, sgw=True, cause="normal_release"))
    assert (_total(session), session["epc"]["record_type"]) == (2200, "sgw-cdr")
    assert session["session"]["state"] == "ended"


@pytest.mark.parametrize(
    "second",
    [
        [partial(1, 95, 100, cause="normal_release")],  # minutes after the first was closed
        [partial(1, 90, 95), partial(2, 95, 100, cause="normal_release")],
        [partial(3, 91, 100, cause="normal_release")],
        [partial(1, 90 + 25 * 60, 90 + 26 * 60, cause="normal_release")],  # a day later
    ],
)
def test_charging_id_used_again_is_another_session(second: list[Document]) -> None:
    made = _made(partial(1, 0, 60), partial(2, 60, 90, cause="normal_release"), *second)
    assert len(made) == 2
    assert made[0].id != made[1].id
    assert _total(made[0].document) == 2200
    assert _total(made[1].document) == 1100 * len(second)


def test_charging_id_used_again_without_a_release_is_told_by_its_number() -> None:
    made = _made(
        partial(1, 0, 60), partial(2, 60, 120), partial(1, 130, 190), partial(2, 190, 200, cause="normal_release")
    )
    assert [one.document["session"]["state"] for one in made] == ["open", "ended"]


def test_id_of_a_session_stays_when_an_earlier_partial_comes_late() -> None:
    parts = [partial(1, 0, 60), partial(2, 60, 120), partial(3, 120, 130, cause="normal_release")]
    assert _made(*parts)[0].id == _made(*parts[1:])[0].id == _made(parts[2])[0].id


def test_record_beyond_the_window_is_shown_and_left_out() -> None:
    late = partial(2, 60, 120, up=7, down=8, came=120 + 169 * 60)
    made = _made(partial(1, 0, 60), late, partial(3, 120, 130, cause="normal_release"))
    session = made[0].document
    assert _total(session) == 2200
    assert session["session"]["late"]["bytes"] == 15
    assert session["correlation"] == {"records": 3, "late": 1}
    assert session["session"]["missing"] == [2]
    assert made[0].surplus[id_of(late)] == "late"


def test_partials_of_a_week_are_not_late_because_they_come_one_after_the_other() -> None:
    days = [partial(day + 1, day * 1440, (day + 1) * 1440) for day in range(10)]
    session = _one(*days, partial(11, 14400, 14410, cause="normal_release"))
    assert session["correlation"]["late"] == 0
    assert session["session"]["partials"] == 11


def test_volume_beyond_what_a_field_holds_is_cut_not_refused() -> None:
    session = _one(partial(1, 0, 60, up=2**63 - 1), partial(2, 60, 61, up=5, cause="normal_release"))
    assert session["epc"]["uplink"]["bytes"] == 2**63 - 1


_RECORDS = st.lists(
    st.builds(
        partial,
        st.one_of(st.none(), st.integers(1, 4)),
        st.integers(0, 5000),
        st.integers(0, 5000),
        up=st.integers(0, 3),
        cause=st.sampled_from(["time_limit", "normal_release", "abnormal_release", "volume_limit"]),
        sgw=st.booleans(),
        came=st.integers(0, 30000),
    ),
    min_size=1,
    max_size=8,
    unique_by=id_of,
)


@given(_RECORDS, st.randoms(use_true_random=False))
def test_order_of_records_changes_nothing(documents: list[Document], random: Any) -> None:
    shuffled = list(documents)
    random.shuffle(shuffled)
    assert _made(*documents) == _made(*shuffled)


@given(_RECORDS)
def test_every_record_ends_in_one_session_and_every_byte_is_counted_or_shown(documents: list[Document]) -> None:
    made = _made(*documents)
    if not made:
        assert len(documents) == 1
        return
    ids = [key for one in made for key in one.surplus]
    assert sorted(ids) == sorted(id_of(document) for document in documents)
    assert len({one.id for one in made}) == len(made)
    by_id = {id_of(document): document for document in documents}
    counted = sum(_total(by_id[key]) for one in made for key, surplus in one.surplus.items() if not surplus)
    assert counted == sum(_total(one.document) for one in made)
