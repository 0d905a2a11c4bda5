"""How results are shown: a table or text for people, one JSON object for machines, progress bars when a person looks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

LEAST_WIDTH = 140
Advance = Callable[[int, int], None]  # done so far, of how many (0: unknown)


def console(*, err: bool = False) -> Console:
    """As wide as the terminal when somebody looks; else wide enough for a table, and wider where COLUMNS says so."""
    stream = sys.stderr if err else sys.stdout
    told = os.environ.get("COLUMNS", "")
    width = None if stream.isatty() else max(LEAST_WIDTH, int(told) if told.isdecimal() else 0)
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def emit_json(value: Any) -> None:
    click.echo(
        orjson.dumps(
            value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS, default=str
        ).decode()
    )


def emit_table(
    headings: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "", empty: str = "nothing"
) -> None:
    """Rows as a plain table; numbers to the right. `empty` is said where there are none."""
    if not rows:
        click.echo(f"{title}: {empty}" if title else empty)
        return
    table = Table(box=SIMPLE_HEAD, title=escape(title) or None, title_justify="left", pad_edge=False)
    for column, heading in enumerate(headings):
        numeric = all(isinstance(row[column], int | float) for row in rows)
        table.add_column(escape(heading), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(shown(value)) for value in row))
    console().print(table)


def emit_pairs(values: Mapping[str, Any]) -> None:
    width = max(map(len, values), default=0)
    for name, value in values.items():
        click.echo(f"{name.ljust(width)}  {shown(value)}")


def shown(value: Any) -> str:
    """A value as a person reads it: thousands grouped, floats short, absent as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(item)}" for name, item in value.items()) or "–"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if value.tzinfo else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    return str(value)


@contextmanager
def progress(label: str, *, quiet: bool = False) -> Iterator[Advance]:
    """A bar on stderr while a person looks; a line at the start otherwise; nothing when quiet."""
    if quiet or not sys.stderr.isatty():
        if not quiet:
            click.echo(f"{label} …", err=True)
        yield lambda done, total: None
        return
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        yield advance
