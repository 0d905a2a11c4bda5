"""How much a run would write, and whether there is room for it: asked before the first byte."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from contracts.errors import OperatorError, UserError
from datagen.arrivals import DAY_MS
from datagen.day import days as day_maker
from datagen.files import size_in_words
from datagen.model import Model
from datagen.request import Feed, Run
from datagen.table import Table, length
from datagen.writers import FileFacts

FREE_PART = 0.9  # at most this part of the free disk is taken
ASK_PART = 0.25  # more than this part of it, or more than ASK_BYTES, is asked about
ASK_BYTES = 20e9
_SAMPLE = 2000  # records
Confirm = Callable[[str], bool]  # question → answer


def estimate(run: Run) -> tuple[float, float]:
    """Records and bytes that a run would write, about: from its rates and the lines of a small day of each service.

    Raises DefinitionError where a layout cannot be written from what there is.
    """
    records = octets = 0.0
    for service in run.services:
        rate = run.model.per_day[service]
        small = day_maker(_at_rate(run.model, service, min(rate, _SAMPLE)), service)(run.first)
        for feed in run.feeds_of(service):
            share, width, head = _sampled(run, feed, small)
            records += share * rate * run.days
            octets += share * rate * run.days * width
            files = DAY_MS // run.rotation.step if run.rotation.by_time else 1
            octets += run.days * files * head
    more = 1 + run.faults.duplicate
    return records * more, octets * more


def _sampled(run: Run, feed: Feed, table: Table) -> tuple[float, float, float]:
    """Records a row, bytes a record, bytes of a file without records."""
    feed.writer.check(table)
    view = feed.writer.view(table)
    records = feed.writer.records(view)
    empty = feed.writer.file([], FileFacts())
    whole = feed.writer.file(records, FileFacts())
    if run.gzip:
        empty, whole = gzip.compress(empty, mtime=0), gzip.compress(whole, mtime=0)
    width = (len(whole) - len(empty)) / len(records) if records else 0.0
    return length(view) / max(length(table), 1), width, len(empty)


def _at_rate(model: Model, service: str, rate: float) -> Model:
    return replace(model, per_day={**model.per_day, service: rate}, incidents=())


def check_room(out: Path, run: Run, confirm: Confirm | None, more: float = 0.0) -> None:
    """Raises UserError when it cannot fit, or when it would take much of the disk and nobody agrees. `more`: bytes beside the
    records; less than 0 where records are written already. `confirm` None: nobody is there to be asked."""
    records, octets = estimate(run)
    check_fits(out, records, max(octets + more, 0.0), confirm)


def check_fits(out: Path, records: float, octets: float, confirm: Confirm | None) -> None:
    """The same of a number of records and of bytes that is known."""
    folder = next(place for place in (out, *out.absolute().parents) if place.exists())
    try:
        free = shutil.disk_usage(folder).free
    except OSError as problem:
        raise OperatorError(f"cannot be asked for its free space: {problem}", where=str(folder)) from problem
    what = f"{records:,.0f} records would take about {size_in_words(octets)}; {size_in_words(free)} are free"
    if octets > FREE_PART * free:
        raise UserError(what, where=str(out), remedy="fewer days, a lower rate, gzip, or another disk")
    if octets <= min(ASK_PART * free, ASK_BYTES):
        return
    if confirm is None:
        raise UserError(what, where=str(out), remedy="say --yes if that is meant")
    if not confirm(f"{what}. Go on?"):
        raise UserError("nothing was written", where=str(out), remedy="fewer days, a lower rate, or gzip")
