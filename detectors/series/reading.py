"""A file of `timestamp,value` rows as arrays, and the same file with a score in each row.

Every row is kept as it came, in its order: gaps, doubles and a clock that goes back are the engine's business. A value may
be absent; a cell that is neither a number nor absent, a time that cannot be read or a row of another length is refused with
its line, since guessing would move every score after it.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from contracts.errors import OperatorError, UserError
from datagen.files import write_whole
from detectors.series.windows import Floats

SCORE = "anomaly_score"
MOST_ROWS = 1_000_000
_ABSENT = frozenset(
    {"", "nan", "na", "n/a", "null", "none", "-", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
)
_PER_SECOND = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # epoch numbers from this size on are ns, µs, ms
_MOST_SECONDS = 1e11
_PIECE_ROWS = 10_000
_LONGEST_LINE = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """`rows`: cells as they came, without the header. `seconds`: since 1970 UTC. `values`: NaN where absent."""

    header: list[str]
    rows: list[list[str]]
    seconds: Floats
    values: Floats
    delimiter: str


def read_series(path: Path, *, timestamp: str = "timestamp", value: str = "value") -> Series:
    """The rows of a CSV file with a header. Raises UserError that names the line for what cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(file, str(path), timestamp, value)
    except UnicodeDecodeError as error:
        raise UserError(
            f"not UTF-8 text (byte {error.start})", where=str(path), remedy="save it as UTF-8 CSV"
        ) from None
    except csv.Error as error:
        raise UserError(f"not a CSV file: {error}", where=str(path), remedy="save it as UTF-8 CSV") from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path), remedy="name a CSV file") from None


def write_scores(path: Path, series: Series, scores: Floats) -> None:
    """The series' rows and columns with the score as the last one; the file appears whole or not at all."""
    try:
        write_whole(path, _pieces(series, scores))
    except OSError as error:
        raise OperatorError(
            f"cannot be written: {error.strerror}", where=str(path), remedy="name a file in a folder you may write to"
        ) from None


def _read(file: io.TextIOWrapper, where: str, timestamp: str, value: str) -> Series:
    first = file.readline()
    if not first.strip():
        raise UserError("has no header line", where=where, remedy=f"start it with {timestamp},{value}")
    delimiter = max(",;\t", key=first.count)
    header = next(csv.reader([first], delimiter=delimiter))
    columns = _column(header, timestamp, "--timestamp", where), _column(header, value, "--value", where)
    if SCORE in header:
        raise UserError(f"already has a column {SCORE}", where=where, remedy="name the file it was made from")
    rows: list[list[str]] = []
    seconds, values = [], []
    reader = csv.reader(_bounded(file, where), delimiter=delimiter)
    for cells in reader:
        if not cells:
            continue
        line = f"{where}, line {reader.line_num + 1}"
        if len(cells) != len(header):
            raise UserError(
                f"{len(cells)} cells where the header has {len(header)}", where=line, remedy="mend or remove the line"
            )
        if len(rows) == MOST_ROWS:
            raise UserError(f"more than {MOST_ROWS:,} rows", where=where, remedy="split it, or keep every n-th row")
        seconds.append(_moment(cells[columns[0]], line))
        values.append(_number(cells[columns[1]], line))
        rows.append(cells)
    return Series(header, rows, np.array(seconds, dtype=float), np.array(values, dtype=float), delimiter)


def _bounded(file: io.TextIOWrapper, where: str) -> Iterator[str]:
    """Lines of a bearable length: how long a cell the csv module takes is a setting of the whole process."""
    for number, line in enumerate(file, 2):
        if len(line) > _LONGEST_LINE:
            raise UserError(
                f"not a CSV file of a series: more than {_LONGEST_LINE:,} characters in a line",
                where=f"{where}, line {number}",
                remedy="keep the columns of time and value",
            )
        yield line


def _column(header: list[str], name: str, option: str, where: str) -> int:
    names = [each.strip() for each in header]
    found = [at for at, each in enumerate(names) if each == name]
    found = found or [at for at, each in enumerate(names) if each.lower() == name.lower()]
    if len(found) == 1:
        return found[0]
    what = f"no column {name}" if not found else f"{len(found)} columns {name}"
    raise UserError(
        f"{what}; the header is {', '.join(names)[:200]}", where=where, remedy=f"name the column with {option}"
    )


def _number(text: str, line: str) -> float:
    try:
        number = float(text)
    except ValueError:
        if text.strip().lower() in _ABSENT:
            return math.nan
        raise UserError(
            f"{text[:40]!r} is not a number", where=line, remedy="leave the cell empty if it is absent"
        ) from None
    return number if math.isfinite(number) else math.nan


def _moment(text: str, line: str) -> float:
    """Seconds since 1970 UTC of an ISO time (UTC where it names no zone) or an epoch number in s, ms, µs or ns."""
    try:
        number = float(text)  # first: thirteen digits can be read as a date and a time too
    except ValueError:
        try:
            moment = datetime.fromisoformat(text.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except ValueError:
            number = math.nan
    number /= next((unit for least, unit in _PER_SECOND if abs(number) >= least), 1.0)
    if not abs(number) <= _MOST_SECONDS:
        raise UserError(
            f"{text[:40]!r} is not a time", where=line, remedy="write 2026-11-21T10:00:00Z, or seconds since 1970"
        )
    return number


def _pieces(series: Series, scores: Floats) -> Iterator[bytes]:
    """The file in pieces of some thousand rows."""
    table = [series.header, *series.rows]
    added = [SCORE, *(f"{score:.6f}" for score in scores)]
    for start in range(0, len(table), _PIECE_ROWS):
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=series.delimiter, lineterminator="\n")
        writer.writerows(
            [*cells, score]
            for cells, score in zip(table[start : start + _PIECE_ROWS], added[start : start + _PIECE_ROWS], strict=True)
        )
        yield text.getvalue().encode()
