"""Values that people enter: history, corrections, sheets, and what is refused."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from contracts.clock import iso
from contracts.errors import ConflictError, UserError
from infrastructure.store import Store
from kpis.entering import Wanted, derive, enter, entries, history, import_rows, preview, sheets
from kpis.tracking import Tracked, load
from kpis.tracking.points import place_of

DAY = datetime(2026, 11, 20, tzinfo=UTC)
NORTH = "region:north"


@pytest.fixture
def efficiency(store: Store) -> Tracked:
    return load(store).find("deployment.efficiency")


def _point(store: Store, one: Tracked, entity: str = NORTH, day: datetime = DAY) -> dict[str, object]:
    key = place_of(one, entity, round(day.timestamp()) * 1000, 86400)
    found = store.read_back([(store.place("kpi-1d", day), key)])[0]
    assert found is not None
    return found.source["kpi"]


def _sheet(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_correction_keeps_what_was_there_and_who_said_so(store: Store, efficiency: Tracked) -> None:
    wanted = Wanted(efficiency, NORTH, DAY + timedelta(hours=15), 0.9)
    assert enter(store, [wanted], by="anna", why="weekly meeting")[0].status == "new"
    assert enter(store, [wanted], by="anna", why="weekly meeting")[0].status == "unchanged"
    corrected = enter(store, [wanted._replace(value=0.85)], by="bo", why="site 12 failed")[0]
    assert (corrected.status, corrected.before, corrected.bucket) == ("corrected", 0.9, DAY)
    assert _point(store, efficiency)["value"] == 0.85
    newest, first = history(store, efficiency)
    assert (newest.by, newest.value, newest.before, newest.number) == ("bo", 0.85, 0.9, 2)
    assert (first.by, first.value, first.before) == ("anna", 0.9, None)


def test_point_is_made_by_the_next_run_when_the_writer_was_killed_before(
    store: Store, efficiency: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entries, "_point", killed)
    with pytest.raises(KeyboardInterrupt):
        enter(store, [Wanted(efficiency, NORTH, DAY, 0.9)], by="anna", why="a test")
    monkeypatch.undo()
    store.refresh("kpi-correction")
    assert derive(store, efficiency) == 1
    assert _point(store, efficiency)["value"] == 0.9


def test_older_entry_never_overwrites_a_newer_one(store: Store, efficiency: Tracked) -> None:
    for value in (0.1, 0.2, 0.3):
        enter(store, [Wanted(efficiency, NORTH, DAY, value)], by="anna", why="a test")
    old = history(store, efficiency)[-1]
    entries._point(store, {efficiency.id: efficiency}, [old])  # a writer that slept since
    assert _point(store, efficiency)["value"] == 0.3


def test_of_two_who_enter_at_once_the_slower_is_told(
    store: Store, efficiency: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "_standing", lambda *_: {})  # both looked before either wrote
    enter(store, [Wanted(efficiency, NORTH, DAY, 0.9)], by="anna", why="a test")
    with pytest.raises(ConflictError, match="at the same time"):
        enter(store, [Wanted(efficiency, NORTH, DAY, 0.7)], by="bo", why="a test")
    assert _point(store, efficiency)["value"] == 0.9


@pytest.mark.parametrize(
    ("entity", "moment", "value", "says"),
    [
        (NORTH, DAY, float("nan"), "no number"),
        (NORTH, DAY, float("inf"), "no number"),
        (NORTH, DAY, 1.01, "no ratio"),
        (NORTH, DAY, -0.1, "no ratio"),
        (NORTH, datetime(1970, 1, 1, tzinfo=UTC), 0.5, "before 2000"),
        (NORTH, datetime(2999, 1, 1, tzinfo=UTC), 0.5, "in the future"),
        ("north", DAY, 0.5, "TYPE:ID"),
        ("region:", DAY, 0.5, "empty"),
        ("region:" + "x" * 201, DAY, 0.5, "longer than"),
        ("region:a\nb", DAY, 0.5, "not printable"),
        ("re gion':x", DAY, 0.5, "no entity type"),
    ],
)
def test_bad_values_are_refused_and_nothing_is_written(
    efficiency: Tracked, store: Store, entity: str, moment: datetime, value: float, says: str
) -> None:
    good = Wanted(efficiency, NORTH, DAY, 0.5)
    with pytest.raises(UserError) as refused:
        enter(store, [good, Wanted(efficiency, entity, moment, value)], by="anna", why="a test")
    assert says in str(refused.value)
    assert not store.count("kpi-correction")


def test_kpi_that_is_computed_is_not_entered(store: Store) -> None:
    with pytest.raises(UserError, match="comes from cdr"):
        enter(store, [Wanted(load(store).find("NER"), "service:voip", DAY, 0.5)], by="anna", why="a test")


def test_injection_strings_are_stored_as_they_are(store: Store, efficiency: Tracked) -> None:
    evil = "region:\"; DROP TABLE kpi; -- ' OR 1=1 {{7*7}} <script>"
    enter(store, [Wanted(efficiency, evil, DAY, 0.5)], by='an"na', why="'; DELETE /_all")
    assert history(store, efficiency, evil)[0].why == "'; DELETE /_all"
    assert _point(store, efficiency, evil)["value"] == 0.5


def test_import_says_every_fault_and_enters_nothing(store: Store, tmp_path: Path) -> None:
    path = _sheet(
        tmp_path / "values.csv",
        "kpi,entity,time,value",
        "deployment.efficiency,region:north,2026-11-20,0.9",
        'deployment.efficiency,region:south,2026-11-20,"0,9"',
        "deployment.eficiency,region:south,2026-11-20,0.9",
        "deployment.efficiency,region:south,20.11.2026,0.9",
        "deployment.efficiency,region:west,2026-11-20,=1/0",
        "deployment.efficiency,region:west,2026-11-20,NaN",
        "deployment.efficiency,region:north,2026-11-20T08:00,0.8",
        "",
        f"deployment.efficiency,region:{'x' * 3000},2026-11-20,0.9",
    )
    found = preview(load(store), path, store.clock())
    assert (found.rows, len(found.wanted), found.faulty) == (8, 1, 7)
    said = {fault.row: (fault.column, fault.what) for fault in found.faults}
    assert said[3][0] == "value" and "decimal point" in said[3][1]
    assert said[4][0] == "kpi" and "did you mean deployment.efficiency?" in said[4][1]
    assert said[5][0] == "time"
    assert said[6] == ("value", "a formula: paste its value instead")
    assert said[7][0] == "value"
    assert "as row 2" in said[8][1]
    assert "longer than" in said[10][1]
    with pytest.raises(UserError, match="nothing was entered"):
        import_rows(store, found, by="anna", why="a test")
    assert not store.count("kpi-correction")
    assert [each.status for each in import_rows(store, found, by="anna", why="a test", skip_faulty=True)] == ["new"]


def test_file_imported_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    lines = [f"region:r{number},2026-11-{day:02d},0.{number}" for number in range(1, 6) for day in range(1, 11)]
    path = _sheet(tmp_path / "values.csv", "entity,time,value", *lines)
    registry, now = load(store), store.clock()
    for status in ("new", "unchanged"):
        done = import_rows(store, preview(registry, path, now, "deployment.efficiency"), by="anna", why="a test")
        assert {each.status for each in done} == {status} and len(done) == 50
    assert store.count("kpi-1d") == 50


def test_workbook_is_read_and_its_formulas_are_refused(store: Store, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Entity", "Time", "Value", None])
    sheet.append(["region:north", datetime(2026, 11, 20), 0.9])
    sheet.append(["region:south", datetime(2026, 11, 20), "=SUM(A1:A2)"])
    sheet.append(["region:west", "2026-11-20", "#DIV/0!"])
    path = tmp_path / "values.xlsx"
    book.save(path)
    found = preview(load(store), path, store.clock(), "deployment.efficiency")
    assert [each.value for each in found.wanted] == [0.9]
    assert found.faults[0].what == "a formula: paste its value instead" and found.faults[0].row == 3
    assert found.faults[1].row == 4


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("v.xlsx", b"no zip at all", "is no XLSX"),
        ("v.csv", b"kpi,entity\xff\xfe", "is not UTF-8"),
        ("v.csv", b"kpi,entity\0", "zero bytes"),
        ("v.csv", b"", "is empty"),
        ("v.csv", b"a,a\n1,2\n", "occurs twice"),
        ("v.csv", b'kpi,"entity\n', "is no CSV"),
        ("v.csv", b"kpi,entity,tiem,value\na,b,c,d\n", "did you mean tiem?"),
    ],
)
def test_broken_files_are_refused_with_words(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    from contracts.settings import read as read_settings
    from kpis.tracking.registry import put_together, shipped

    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError) as refused:
        preview(put_together(shipped(read_settings({})), ()), path, DAY)
    assert says in str(refused.value)


def test_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "LARGEST_UNPACKED", 100_000)
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 1_000_000)
    with pytest.raises(UserError, match="unpacks to"):
        list(sheets.rows(path))


def test_moment_of_an_entry_is_the_clock_of_the_store(store: Store, efficiency: Tracked) -> None:
    before = store.clock()
    enter(store, [Wanted(efficiency, NORTH, DAY, 0.9)], by="anna", why="a test")
    assert iso(before) <= iso(history(store, efficiency)[0].at) <= iso(store.clock())
