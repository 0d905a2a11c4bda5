"""Reading sides: layouts and plain CSV, siblings, samples of large files, and input that is none."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from contracts.errors import UserError
from datagen.fidelity.reading import read_side
from tests.datagen.fidelity_tables import HEADER, LAYOUTS, rows, scored, write

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


def test_fidelity_compares_sibling_layouts_and_says_what_it_left_out() -> None:
    found = scored(SAMPLES / "voip-public.csv", SAMPLES / "voip-public-undated.csv")
    assert len(found.columns) == 16
    assert found.tables.left_out == {
        "Record-Number": "record number",
        "Date": "only in REAL",
        "Time": "only in REAL",
        "Calling-Number": "only in SYNTHETIC: a party or subscriber",
        "Called-Number": "only in SYNTHETIC: a party or subscriber",
    }
    assert found.time is None
    assert found.timeless == "SYNTHETIC has no times"


def test_fidelity_pairs_columns_of_other_layouts_by_their_field_and_unit() -> None:
    found = scored(SAMPLES / "voip-public.csv", SAMPLES / "voip-busyhour.csv")
    mos = next(column for column in found.tables.columns if column.name == "Calling-MOS")
    assert mos.real.max() <= 5.0
    assert found.time is not None


def test_fidelity_takes_codes_as_words_and_numbers_as_numbers() -> None:
    found = scored(SAMPLES / "voip-public.csv", SAMPLES / "voip-public.csv")
    kinds = {column.name: column.kind for column in found.columns}
    assert kinds["Disconnect-Cause"] == kinds["Sip-Status"] == kinds["Ingress-SBC"] == "category"
    assert kinds["PostDialDelay"] == kinds["Calling-RTP-Packets-Lost"] == "number"


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.*")), ids=lambda path: path.name)
def test_fidelity_of_every_sample_against_itself_is_whole(path: Path) -> None:
    found = scored(path, path)
    assert found.column_shapes == 1.0
    assert found.column_pairs in (1.0, None)
    assert found.novelty.copies == 1.0


def test_fidelity_reads_a_folder_of_packed_and_plain_files_as_one_side(tmp_path: Path) -> None:
    lines = (SAMPLES / "voip-public.csv").read_text().splitlines(keepends=True)
    folder = tmp_path / "real"
    folder.mkdir()
    (folder / "a.csv").write_text("".join(lines[:101]))
    (folder / "b.csv.gz").write_bytes(gzip.compress("".join([lines[0], *lines[101:]]).encode()))
    (folder / "notes.csv").write_bytes(b"\x00\x01\x02 not a record")
    found = scored(folder, SAMPLES / "voip-public.csv")
    assert (found.quality, found.real.rows, found.real.files) == (1.0, 300, 2)
    assert [Path(path).name for path in found.real.skipped] == ["notes.csv"]


def test_fidelity_takes_only_files_of_the_same_service_from_a_folder() -> None:
    found = scored(SAMPLES / "sms-busyhour.csv", SAMPLES / "sms-busyhour.csv", SAMPLES / "voip-busyhour.csv")
    assert found.synthetic.files == 1
    assert list(found.synthetic.skipped.values()) == ["is of layout voip-busyhour"]


def test_side_of_many_rows_is_a_sample_that_is_always_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "many.csv", rows(3000))
    one, other = (read_side("REAL", [path], LAYOUTS, most=500) for _ in range(2))
    assert (one.rows, one.kept) == (3000, 500)
    assert one.columns == other.columns
    lines = {tuple(row) for row in rows(3000)}
    kept = list(zip(*one.columns.values(), strict=True))
    assert set(kept) <= lines
    assert len(set(kept)) > 300


def test_side_of_many_rows_is_taken_from_all_of_them_alike(tmp_path: Path) -> None:
    path = write(tmp_path / "many.csv", [[str(number % 10), f"v{number}"] for number in range(20_000)], ("digit", "at"))
    kept = read_side("REAL", [path], LAYOUTS, most=2000).columns["at"]
    quarters = [sum(int(word[1:]) // 5000 == quarter for word in kept) for quarter in range(4)]
    assert sum(quarters) == 2000
    assert all(400 < count < 600 for count in quarters)


def test_columns_of_a_plain_file_are_left_out_by_what_they_hold(tmp_path: Path) -> None:
    table = [
        [str(1000 + row), f"call-{row}", "lon", "", f"2026-11-02 10:{row % 60:02d}:00", *cells]
        for row, cells in enumerate(rows(80))
    ]
    for row, cells in enumerate(table):
        cells[4] = f"2026-11-{2 + row // 24:02d} {row % 24:02d}:05:00"
    path = write(tmp_path / "plain.csv", table, ("number", "id", "place", "nothing", "at", *HEADER))
    found = scored(path, path)
    assert [column.name for column in found.columns] == list(HEADER)
    assert found.tables.left_out == {
        "number": "record number: it counts the rows",
        "id": "identifier: 80 different values in 80 rows",
        "place": "constant: 'lon' in both",
        "nothing": "missing in every row of REAL",
        "at": "time, judged by its own measures",
    }
    assert found.time is not None


def test_numbers_that_are_none_are_counted(tmp_path: Path) -> None:
    real, bad = rows(100), rows(100)
    bad[3][1] = "nan"
    bad[4][1] = "1e999"
    bad[5][1] = "fast"
    found = scored(write(tmp_path / "a.csv", real), write(tmp_path / "b.csv", bad))
    delay = next(column for column in found.columns if column.name == "delay")
    assert delay.odd == 2
    assert delay.missing_synthetic == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n\n\n", "empty"),
        (b"a,b,c\n", "holds no record"),
        (b"\x7fELF\x00\x01\x02\x00" * 200, "32.297"),
        (b"\xff\xfe\x00\x00a,b\n", "UTF-32"),
        (b"a,a\n1,2\n", "header"),
        (bytes(range(256)) * 40, "binary"),
    ],
    ids=["empty", "blank", "header-only", "binary", "utf-32", "column-twice", "junk"],
)
def test_fidelity_refuses_what_holds_no_records(tmp_path: Path, content: bytes, said: str) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    good = write(tmp_path / "good.csv", rows(50))
    for real, synthetic in ((bad, good), (good, bad)):
        with pytest.raises(UserError) as refused:
            scored(real, synthetic)
        assert said in str(refused.value)
        assert "what to do" in str(refused.value)


def test_fidelity_of_one_row_says_what_is_not_defined(tmp_path: Path) -> None:
    found = scored(write(tmp_path / "a.csv", rows(1)), write(tmp_path / "b.csv", rows(40, seed=2)))
    assert (found.novelty.reference, found.column_pairs) == (None, None)
    assert found.column_shapes is not None


def test_fidelity_refuses_sides_without_a_column_in_common() -> None:
    with pytest.raises(UserError, match="no column in common"):
        scored(SAMPLES / "sms-busyhour.csv", SAMPLES / "kamailio-acc.csv")


def test_fidelity_refuses_a_side_of_several_services() -> None:
    with pytest.raises(UserError, match="several services"):
        read_side("REAL", [SAMPLES / "sms-busyhour.csv", SAMPLES / "voip-busyhour.csv"], LAYOUTS)


def test_fidelity_refuses_columns_that_are_all_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "holes.csv", [["", ""]] * 30, ("a", "b"))
    with pytest.raises(UserError, match="no column is left"):
        scored(path, path)


def test_fidelity_refuses_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        scored(tmp_path / "nowhere", SAMPLES / "sms-busyhour.csv")
