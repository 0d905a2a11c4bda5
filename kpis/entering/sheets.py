"""Rows of a CSV or XLSX file as text cells with their place. Input is hostile: bounded, formulas never worked out."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from contracts.errors import UserError

LARGEST = 50_000_000  # bytes of a file
LARGEST_UNPACKED = 200_000_000  # bytes of an XLSX unpacked
MOST_ROWS = 200_000
MOST_COLUMNS = 50
LONGEST_CELL = 2_000  # characters
_FORMULA = "a formula: paste its value instead"


class Cell(NamedTuple):
    """`fault`: why its content is not taken; "" when it is."""

    text: str
    fault: str = ""


class Row(NamedTuple):
    """A data row: `number` as a spreadsheet counts, from 1; cells by column name."""

    number: int
    cells: dict[str, Cell]


def rows(path: Path) -> Iterator[Row]:
    """Data rows of the first sheet, blank ones left out. Raises UserError on a file that cannot be read as either format."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from None
    if size > LARGEST:
        raise UserError(f"{size:,} bytes, more than {LARGEST:,}", where=str(path), remedy="cut it in parts")
    lines = _xlsx(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _csv(path)
    header: list[str] | None = None
    for number, cells in enumerate(lines, 1):
        if number > MOST_ROWS:
            raise UserError(f"more than {MOST_ROWS:,} rows", where=str(path), remedy="cut it in parts")
        if all(not cell.text for cell in cells):
            continue
        if header is None:
            header = _header(cells, path)
            continue
        yield Row(number, _named(header, cells))
    if header is None:
        raise UserError("is empty", where=str(path), remedy="its first row names the columns")


def _header(cells: list[Cell], path: Path) -> list[str]:
    names = [cell.text.strip().lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice or len(names) > MOST_COLUMNS:
        what = f"column {twice[:40]!r} occurs twice" if twice else f"more than {MOST_COLUMNS} columns"
        raise UserError(what, where=f"{path}, row 1")
    return names


def _named(header: list[str], cells: list[Cell]) -> dict[str, Cell]:
    found = {}
    for position, cell in enumerate(cells):
        if position >= len(header) or not header[position]:
            if cell.text:
                found[f"column {position + 1}"] = Cell(cell.text, "is in no named column")
            continue
        fault = cell.fault
        if len(cell.text) > LONGEST_CELL:
            cell, fault = Cell(cell.text[:40]), f"longer than {LONGEST_CELL} characters"
        found[header[position]] = Cell(cell.text.strip(), fault)
    return found


def _csv(path: Path) -> Iterator[list[Cell]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"is not UTF-8 (byte {error.start})", where=str(path), remedy="save it as CSV UTF-8") from None
    if "\0" in text:
        raise UserError("holds zero bytes: it is no text", where=str(path))
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield [Cell(cell, _FORMULA if cell.lstrip().startswith("=") else "") for cell in cells]
    except csv.Error as error:
        raise UserError(f"is no CSV: {error}", where=f"{path}, line {reader.line_num}") from None


def _xlsx(path: Path) -> Iterator[list[Cell]]:
    import openpyxl  # heavy, and only for this format

    _check_zip(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
    except Exception as error:  # noqa: BLE001 - openpyxl raises anything on a broken file
        raise UserError(f"is no workbook: {type(error).__name__}", where=str(path)) from None
    try:
        if not book.worksheets:
            raise UserError("has no sheet", where=str(path))
        for row in book.worksheets[0].iter_rows(max_col=MOST_COLUMNS + 1, max_row=MOST_ROWS + 1):
            yield [_cell(each) for each in row]
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        raise UserError(f"its first sheet cannot be read: {type(error).__name__}", where=str(path)) from None
    finally:
        book.close()


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError):
        raise UserError("is no XLSX file", where=str(path), remedy="old .xls files: save as .xlsx or CSV") from None
    if unpacked > LARGEST_UNPACKED:
        raise UserError(f"unpacks to {unpacked:,} bytes, more than {LARGEST_UNPACKED:,}", where=str(path))


def _cell(each: Any) -> Cell:
    value = each.value
    if value is None:
        return Cell("")
    if isinstance(value, datetime):
        return Cell(value.isoformat())
    if isinstance(value, date):
        return Cell(value.isoformat())
    if each.data_type == "f" or (isinstance(value, str) and value.lstrip().startswith("=")):
        return Cell(str(value)[:60], _FORMULA)
    if each.data_type == "e":
        return Cell(str(value)[:20], f"the error {str(value)[:20]}")
    return Cell(str(value))
