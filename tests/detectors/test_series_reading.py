"""Files of a time and a value: kept as they came, or refused with the line."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import BusyhourError, OperatorError, UserError
from detectors.series import read_series, write_scores


def made(folder: Path, text: str | bytes) -> Path:
    path = folder / "series.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "stamp",
    [
        "2014-04-01 10:00:00",
        "2014-04-01T10:00:00Z",
        "2014-04-01T12:00:00+02:00",
        "2014-04-01 10:00:00.000",
        "1396346400",
        "1396346400000",
        "1396346400000000",
        "1.3963464e9",
    ],
)
def test_time_is_the_same_moment_however_it_is_written(tmp_path: Path, stamp: str) -> None:
    series = read_series(made(tmp_path, f"timestamp,value\n{stamp},1\n"))
    assert series.seconds[0] == 1396346400


@pytest.mark.parametrize("cell", ["", "NaN", "nan", "null", "N/A", "inf", "-inf", "1e999", "-"])
def test_value_is_absent_when_the_cell_says_so(tmp_path: Path, cell: str) -> None:
    assert np.isnan(read_series(made(tmp_path, f"timestamp,value\n0,{cell}\n")).values[0])


def test_rows_come_out_as_they_went_in_with_a_score_more(tmp_path: Path) -> None:
    text = '\ufeffhost,Timestamp,value\r\n"a,b",3,1.50\r\nc,1,\r\n\r\nd,1,NaN\r\n'
    series = read_series(made(tmp_path, text))
    write_scores(tmp_path / "out.csv", series, np.array([0.0, 0.25, 1.0]))
    with (tmp_path / "out.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["host", "Timestamp", "value", "anomaly_score"],
            ["a,b", "3", "1.50", "0.000000"],
            ["c", "1", "", "0.250000"],
            ["d", "1", "NaN", "1.000000"],
        ]


def test_other_columns_and_delimiters_can_be_named(tmp_path: Path) -> None:
    series = read_series(made(tmp_path, "a;when;x\n1;60;2\n"), timestamp="when", value="x")
    assert (series.seconds[0], series.values[0], series.delimiter) == (60, 2, ";")


def test_file_without_rows_is_an_empty_series(tmp_path: Path) -> None:
    assert len(read_series(made(tmp_path, "timestamp,value\n")).values) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no header"),
        ("\n\n", "no header"),
        ("time,value\n1,2\n", "no column timestamp"),
        ("timestamp,x\n1,2\n", "--value"),
        ("timestamp,value,value\n1,2,3\n", "2 columns value"),
        ("timestamp,value\n1,2\n2,many\n", "line 3"),
        ("timestamp,value\nyesterday,2\n", "not a time"),
        ("timestamp,value\n,2\n", "not a time"),
        ("timestamp,value\n1e300,2\n", "not a time"),
        ("timestamp,value\n1,2\n2\n", "1 cells where the header has 2"),
        ("timestamp,value,anomaly_score\n1,2,3\n", "already"),
        (b"timestamp,value\n1,\xff\n", "UTF-8"),
        ("timestamp,value\n1," + "9" * 200_000 + "\n", "CSV"),
    ],
)
def test_file_is_refused_with_its_line_and_what_to_do(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(UserError) as refused:
        read_series(made(tmp_path, text))
    assert words in refused.value.sentence()
    assert "what to do" in refused.value.sentence()


@pytest.mark.parametrize("name", [".", "absent.csv"])
def test_folder_or_absent_file_is_refused_in_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(BusyhourError, match="cannot be read"):
        read_series(tmp_path / name)


def test_output_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    series = read_series(made(tmp_path, "timestamp,value\n1,2\n"))
    (tmp_path / "taken").mkdir()
    with pytest.raises(OperatorError, match="cannot be written"):
        write_scores(tmp_path / "taken", series, np.zeros(1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["series.csv", "taken"]
