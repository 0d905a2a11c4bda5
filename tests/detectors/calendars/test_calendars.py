"""Holidays, events and maintenance: on which buckets they lie, what is learned and judged of them, and hostile files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contracts.clock import epoch_ms
from contracts.entities import Entity
from contracts.errors import SettingError, UserError
from contracts.settings import read
from detectors.calendars import Calendar, Calendars, Planned, calendar_of, read_ics, with_calendar
from detectors.calendars.calendar import MARK
from detectors.learning import learn
from detectors.panel import Panel, excused, local_time, merged
from detectors.scorers import by_model, feed
from detectors.subject import Kpi, Series

BERLIN = ZoneInfo("Europe/Berlin")
TG6, TG7 = Entity("trunk_group", "TG6"), Entity("trunk_group", "TG7")
COUNT = Kpi("t.attempts", "attempts", "voip", "", "count", "both", "traffic")
RATIO = Kpi("t.asr", "ASR", "voip", "", "ratio", "low", "effectiveness")


def ms(text: str) -> int:
    return epoch_ms(datetime.fromisoformat(text))


def ics(path: Path, *events: str) -> Path:
    body = "".join(
        f"BEGIN:VEVENT\r\nUID:{n}\r\nDTSTAMP:20260101T000000Z\r\n{one}\r\nEND:VEVENT\r\n"
        for n, one in enumerate(events)
    )
    path.write_text(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n{body}END:VCALENDAR\r\n", newline="")
    return path


def planned(path: Path, since: str = "2026-10-01T00:00+00:00", until: str = "2026-12-31T00:00+00:00") -> list[Planned]:
    return read_ics(path, BERLIN, datetime.fromisoformat(since), datetime.fromisoformat(until))


def panel(kpi: Kpi, weeks: int = 4, seed: int = 1) -> Panel:
    """Two trunk groups by the hour from Monday 2026-11-30 on; people call at day, half as much on Sundays."""
    rng = np.random.default_rng(seed)
    starts = ms("2026-11-29T23:00+00:00") + 3_600_000 * np.arange(weeks * 168)
    hour = np.arange(weeks * 168) % 168
    rate = 200 * (0.2 + np.exp(-((hour % 24 - 12) ** 2) / 20)) * np.where(hour >= 144, 0.4, 1.0)
    calls = rng.poisson(np.stack([rate, rate])).astype(float)
    series = tuple(Series(kpi.id, "voip", entity) for entity in (TG6, TG7))
    return Panel(
        kpi, 3600, series, starts, value=calls if kpi.model == "count" else np.full_like(calls, 0.9),
        numerator=np.floor(calls * 0.9), denominator=calls, samples=calls, coverage=np.ones_like(calls),
        silent=np.zeros(calls.shape, dtype=bool),
    )  # fmt: skip


def test_local_day_of_a_holiday_has_23_hours_where_the_clock_goes_forward() -> None:
    easter = Planned("holiday", "Easter", ms("2026-03-28T23:00+00:00"), ms("2026-03-29T22:00+00:00"))
    calendar = Calendar(BERLIN, planned=(easter,))
    starts = ms("2026-03-28T00:00+00:00") + 300_000 * np.arange(3 * 288)
    assert (calendar.marks(starts, 300, TG6) == MARK["holiday"]).sum() == 23 * 12
    public = Calendar(BERLIN, country="DE").marks(ms("2026-10-02T00:00+00:00") + 3_600_000 * np.arange(72), 3600, TG6)
    assert np.flatnonzero(public).tolist() == list(range(22, 46))  # 3 October, local


def test_recurring_maintenance_keeps_its_local_hour_over_a_change_of_the_clock(tmp_path: Path) -> None:
    weekly = (
        "SUMMARY:Patch night\r\nCATEGORIES:Maintenance\r\nLOCATION:trunk_group:TG6\\, sbc:lon-sbc\r\n"
        "DTSTART;TZID=Europe/Berlin:20261021T020000\r\nDTEND;TZID=Europe/Berlin:20261021T040000\r\n"
        "RRULE:FREQ=WEEKLY;COUNT=3\r\nEXDATE;TZID=Europe/Berlin:20261104T020000"
    )
    found = planned(ics(tmp_path / "a.ics", weekly))
    assert [one.start for one in found] == [ms("2026-10-21T02:00+02:00"), ms("2026-10-28T02:00+01:00")]
    assert found[0].entities == (TG6, Entity("sbc", "lon-sbc"))
    assert (found[0].kind, found[0].title) == ("maintenance", "Patch night")
    marks = Calendar(BERLIN, planned=tuple(found)).marks(found[0].start + 300_000 * np.arange(-1, 25), 300, TG6)
    assert marks.tolist() == [0] + [MARK["maintenance"]] * 24 + [0]
    assert not Calendar(BERLIN, planned=tuple(found)).marks(found[0].start + 300_000 * np.arange(9), 300, TG7).any()


def test_times_without_a_zone_and_whole_days_are_the_networks(tmp_path: Path) -> None:
    found = planned(
        ics(
            tmp_path / "a.ics",
            "SUMMARY:Derby\r\nDTSTART:20261114T183000\r\nDTEND:20261114T203000",
            "SUMMARY:Fair\r\nCATEGORIES:HOLIDAY\r\nDTSTART;VALUE=DATE:20261116\r\nDTEND;VALUE=DATE:20261118",
            "SUMMARY:Off\r\nSTATUS:CANCELLED\r\nDTSTART:20261115T183000\r\nDTEND:20261115T203000",
        )
    )
    assert [(one.kind, one.start) for one in found] == [
        ("event", ms("2026-11-14T18:30+01:00")),
        ("holiday", ms("2026-11-16T00:00+01:00")),
    ]
    assert len(Calendar(BERLIN, planned=tuple(found)).holidays(found[1].start, found[1].end)) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "calendar"),
        (b"\xff\xfe\x00", "calendar"),
        (b"kind,from,until\n", "calendar"),
        (b"SUMMARY:Endless\r\nDTSTART:20261101T000000Z\r\nRRULE:FREQ=SECONDLY", "recurs secondly"),
        (b"SUMMARY:Room\r\nLOCATION:Room 5\r\nDTSTART:20261101T000000Z\r\nDTEND:20261101T010000Z", "names no entity"),
        (b"SUMMARY:Never", "has no start"),
        (b"SUMMARY:Long\r\nDTSTART:20261101T000000Z\r\nDTEND:20991101T000000Z", "lasts longer"),
        (b"SUMMARY:Odd\r\nDTSTART:20261399T000000Z", "has no start|cannot be read|is no calendar"),
    ],
)
def test_file_that_cannot_be_used_is_refused_in_words(content: bytes, words: str, tmp_path: Path) -> None:
    path = ics(tmp_path / "a.ics", content.decode("latin-1")) if b":" in content else tmp_path / "a.ics"
    if b":" not in content:
        path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        planned(path)


def test_settings_that_name_nothing_are_refused(tmp_path: Path) -> None:
    span = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    for name, value in (("COUNTRY", "Atlantis"), ("COUNTRY", "DE-QQ"), ("CALENDARS", str(tmp_path / "none.ics"))):
        with pytest.raises(SettingError):
            calendar_of(read({f"BUSYHOUR_NETWORK_{name}": value}), *span)
    (tmp_path / "notes.txt").write_text("no calendar")
    assert calendar_of(read({"BUSYHOUR_NETWORK_CALENDARS": str(tmp_path)}), *span).planned == ()


def test_calendar_of_the_settings_joins_country_and_files(tmp_path: Path) -> None:
    ics(
        tmp_path / "a.ics",
        "SUMMARY:Patch\r\nCATEGORIES:MAINTENANCE\r\nDTSTART:20261224T100000Z\r\nDTEND:20261224T110000Z",
    )
    settings = read(
        {
            "BUSYHOUR_NETWORK_CALENDARS": str(tmp_path),
            "BUSYHOUR_NETWORK_COUNTRY": "DE",
            "BUSYHOUR_NETWORK_TIMEZONE": "Europe/Berlin",
        }
    )
    known = Calendars(settings)
    since, until = ms("2026-12-24T00:00+01:00"), ms("2026-12-26T00:00+01:00")
    assert [one.kind for one in known.at(since, until).during(since, until)] == ["maintenance", "holiday"]
    assert known.at(since, until) is known.at(since, until)


def test_maintenance_is_neither_learned_from_nor_judged() -> None:
    points = panel(COUNT)
    window = Planned("maintenance", "Patch", int(points.starts[300]), int(points.starts[306]), (TG6,))
    calendar = Calendar(BERLIN, planned=(window,))
    dead = points.value.copy()
    dead[:, 300:306] = 0
    broken = replace(points, value=dead)
    seen = with_calendar(broken, calendar)
    clean = learn(excused(points, _only(points, 0, range(300, 306))), BERLIN)
    learned = learn(seen, BERLIN)
    np.testing.assert_array_equal(learned.centre[0], clean.centre[0])
    scores = by_model(seen, learned)
    assert np.isnan(scores.score[0, 300:306]).all()
    assert (scores.score[1, 302:304] > 75).all()
    silent = feed.score(seen, learned)
    assert not np.nan_to_num(silent.score[0]).any()


def _only(points: Panel, row: int, columns: range) -> np.ndarray:
    out = np.zeros(points.value.shape, dtype=bool)
    out[row, columns] = True
    return out


def test_event_excuses_traffic_but_not_failures() -> None:
    match = Planned("event", "Derby", 0, 2**52)
    calendar = Calendar(BERLIN, planned=(match,))
    assert with_calendar(panel(COUNT), calendar).excused is not None
    assert with_calendar(panel(RATIO), calendar).excused is None


def test_holiday_is_judged_as_a_sunday_and_not_learned_from() -> None:
    points = panel(COUNT)
    christmas = (points.starts >= ms("2026-12-25T00:00+01:00")) & (points.starts < ms("2026-12-26T00:00+01:00"))
    like = points.value.copy()
    like[:, christmas] = np.round(like[:, christmas] * 0.4)  # a Friday with the traffic of a Sunday
    points = replace(points, value=like)
    before = points.columns(points.starts < ms("2026-12-21T00:00+01:00"))
    plain, known = learn(before, BERLIN), with_calendar(points, Calendar(BERLIN, country="DE"))
    assert np.nanmax(by_model(points, plain).score[:, christmas]) > 75
    assert np.nanmax(by_model(known, plain).score[:, christmas]) < 60
    assert (local_time(known, BERLIN).cell[christmas] >= 144).all()
    wild = replace(known, value=np.where(christmas, 10_000.0, known.value))
    np.testing.assert_array_equal(learn(wild, BERLIN).centre, learn(known, BERLIN).centre)


def test_nightly_hour_of_maintenance_does_not_excuse_the_day() -> None:
    points = panel(COUNT)
    out = np.zeros(points.value.shape, dtype=bool)
    out[:, 2::24] = True
    days = merged(excused(points, out), 86400, BERLIN)
    assert days.excused is not None
    assert not days.excused.any()
    out[:, 2:8] = True
    assert merged(excused(points, out), 86400, BERLIN).excused[:, 0].all()  # type: ignore[index]


def test_planned_buckets_stay_with_their_series_when_rows_are_chosen() -> None:
    points = excused(panel(COUNT), _only(panel(COUNT), 0, range(5, 8)))
    swapped = points.rows([1, 0])
    assert swapped.excused is not None
    assert swapped.excused.sum(axis=1).tolist() == [0, 3]
    more = points.with_absent((*points.series, points.series[0]), np.array([0, -1, 1]))
    assert more.excused is not None
    assert more.excused.sum(axis=1).tolist() == [3, 0, 0]
    assert points.columns(np.arange(len(points.starts)) < 6).excused.sum() == 1  # type: ignore[union-attr]
    assert points.rows([]).with_absent(points.series, np.array([-1, -1])).excused is None
