"""Legs and quality reports become calls: what the caller saw of all of them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.clock import iso
from mediation.correlate.calls import calls
from mediation.correlate.records import Made, Window
from tests.correlate.records import Document, at, held, id_of, leg, report, step

HOUR = 3_600_000
WINDOW = Window(start=24 * HOUR, late=168 * HOUR)
KEY = ("a@b",)


def _made(*documents: Document) -> list[Made]:
    return calls(KEY, held(documents), WINDOW)


def _one(*documents: Document) -> Document:
    (made,) = _made(*documents)
    return made.document


def test_call_of_two_legs_runs_from_the_first_start_to_the_last_release() -> None:
    call = _one(leg("a@b", "1", 0, 10, answer=1), leg("a@b", "2", 0.1, 10.05, answer=0.9))
    assert (call["event"]["start"], call["event"]["end"]) == (iso(at(0)), iso(at(10.05)))
    assert call["@timestamp"] == iso(at(10.05))
    assert call["voip"]["answer"] == iso(at(0.9))
    assert call["voip"]["duration"]["sec"] == (10.05 - 0.9) * 60
    assert call["voip"]["disposition"] == "answered"
    assert call["event"]["outcome"] == "success"
    assert call["call"] == {"legs": 2, "reports": 0, "steps": 0}


def test_call_is_answered_when_the_second_place_it_was_offered_to_answers() -> None:
    first = leg(
        "a@b", "1", 0, 10, answer=2, pdd={"ms": 700.0}, release={"q850": 16}, trunk_group={"originating": "TG1"}
    )
    busy = leg("a@b", "2", 0.1, 0.5, release={"q850": 17}, trunk_group={"terminating": "TG2"}, egress={"sbc": "fra"})
    taken = leg("a@b", "3", 0.6, 10, answer=2, trunk_group={"terminating": "TG3"}, called={"mos": 4.1})
    call = _one(first, busy, taken)
    assert call["voip"]["disposition"] == "answered"
    assert call["voip"]["trunk_group"] == {"originating": "TG1", "terminating": "TG3"}
    assert call["voip"]["release"]["q850"] == 16
    assert call["voip"]["pdd"]["ms"] == 700.0
    assert call["voip"]["called"]["mos"] == 4.1


def test_call_takes_the_release_of_the_first_leg_that_gives_a_code() -> None:
    call = _one(
        leg("a@b", "1", 0, 1, disposition="call-attempt", release={"q850": 0, "sip": 503}),
        leg("a@b", "2", 0.1, 0.9, disposition="call-attempt", release={"q850": 34}),
    )
    assert call["voip"]["release"] == {"q850": 0, "sip": 503}
    assert call["event"]["outcome"] == "failure"


def test_quality_report_joins_the_side_of_its_leg() -> None:
    heard = {"jitter": {"ms": 12.5}, "packets": {"lost": 3, "expected": 900}, "mos": 4.2}
    call = _one(
        leg("7-1", "1", 0, 10, answer=1, calling={"id": "51", "number": "x"}, called={"id": "52"}),
        report("7-1", "p1", 10, leg={"id": "52"} | heard),
        report("7-1", "p2", 10, leg={"id": "51", "jitter": {"ms": 3.0}}),
        report("7-1", "p3", 10, leg={"id": "99", "jitter": {"ms": 99.0}}),
    )
    assert call["call"] == {"legs": 1, "reports": 3, "steps": 0}
    assert call["voip"]["called"] == {"id": "52"} | heard
    assert call["voip"]["calling"] == {"id": "51", "number": "x", "jitter": {"ms": 3.0}}
    assert "leg" not in call["voip"]
    assert call["voip"]["disposition"] == "answered"


def test_quality_report_does_not_overrule_what_a_leg_says_itself() -> None:
    call = _one(
        leg("7-1", "1", 0, 10, answer=1, calling={"id": "51", "mos": 4.0}),
        report("7-1", "p", 10, leg={"id": "51", "mos": 1.1}),
    )
    assert call["voip"]["calling"]["mos"] == 4.0


def test_invite_and_bye_of_a_proxy_make_a_call() -> None:
    call = _one(step("k", "INVITE", 1, 200), step("k", "ACK", 1, 200), step("k", "BYE", 6, 200))
    assert call["voip"]["answer"] == iso(at(1))
    assert call["voip"]["duration"]["sec"] == 300
    assert call["event"]["end"] == iso(at(6))
    assert call["call"] == {"legs": 1, "reports": 0, "steps": 3}
    assert "surplus" not in call["cdr"]


def test_answered_call_of_a_proxy_is_open_until_its_bye() -> None:
    assert _one(step("k", "INVITE", 1, 200))["cdr"]["surplus"] == "open"


def test_failed_invite_is_a_call_with_the_last_status() -> None:
    call = _one(step("k", "INVITE", 1, 486), step("k", "INVITE", 2, 503))
    assert call["voip"]["disposition"] == "call-attempt"
    assert call["voip"]["release"]["sip"] == 503
    assert call["event"]["outcome"] == "failure"


def test_steps_beside_legs_add_nothing() -> None:
    call = _one(
        leg("k", "1", 0, 10, answer=1), step("k", "INVITE", 1, 200), step("k", "BYE", 30, 200), step("k", "HANGUP", 31)
    )
    assert call["event"]["end"] == iso(at(10))
    assert call["call"] == {"legs": 1, "reports": 0, "steps": 3}


def test_channel_events_alone_are_no_call() -> None:
    assert _made(step("k", "CHAN_START", 1), step("k", "HANGUP", 3)) == []


def test_quality_reports_alone_are_no_call() -> None:
    assert _made(report("7-1", "51", 10), report("7-1", "52", 10)) == []


def test_one_leg_alone_is_no_call_of_its_own() -> None:
    assert _made(leg("a@b", "1", 0, 10)) == []


def test_call_id_used_again_after_a_day_is_another_call() -> None:
    made = _made(leg("1", "1", 0, 10), leg("1", "2", 0, 10), leg("1", "1", 10 + 24 * 60 + 1, 2000))
    assert [one.document["call"]["legs"] for one in made] == [2, 1]
    assert len({one.id for one in made}) == 2


def test_leg_beyond_the_window_is_shown_and_left_out() -> None:
    late = leg("a@b", "2", 0, 10, answer=1, came=10 + 168 * 60 + 1)
    made = _made(leg("a@b", "1", 0, 10), late)
    assert made[0].document["voip"]["disposition"] == "ringing"
    assert made[0].document["correlation"] == {"records": 2, "late": 1}
    assert made[0].surplus[id_of(late)] == "late"


_LEGS = st.lists(
    st.one_of(
        st.builds(
            leg,
            st.just("x"),
            st.sampled_from("1234"),
            st.integers(0, 4000),
            st.integers(0, 4000),
            answer=st.one_of(st.none(), st.integers(0, 4000)),
            came=st.integers(0, 30000),
            release=st.fixed_dictionaries({}, optional={"q850": st.integers(0, 127), "sip": st.integers(0, 699)}),
        ),
        st.builds(
            report, st.just("x"), st.sampled_from("56"), st.integers(0, 4000), leg=st.just({"id": "1", "mos": 4.0})
        ),
        st.builds(
            step,
            st.just("x"),
            st.sampled_from(["INVITE", "BYE", "HANGUP"]),
            st.integers(0, 4000),
            st.sampled_from([None, 200, 486]),
        ),
    ),
    min_size=1,
    max_size=7,
    unique_by=id_of,
)


@given(_LEGS, st.randoms(use_true_random=False))
def test_order_of_legs_changes_nothing(documents: list[Document], random: Any) -> None:
    shuffled = list(documents)
    random.shuffle(shuffled)
    assert _made(*documents) == _made(*shuffled)


@given(_LEGS)
def test_every_record_is_in_one_call_at_most(documents: list[Document]) -> None:
    made = _made(*documents)
    ids = [key for one in made for key in one.surplus]
    assert len(set(ids)) == len(ids)
    assert len({one.id for one in made}) == len(made)
