"""The files of one day of one service: pieces of the day → records of each feed → files, rotated, delivered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from contracts.clock import from_epoch_ms, iso
from contracts.errors import OperatorError
from datagen.arrivals import DAY_MS
from datagen.day import Pieces, pieces, silences
from datagen.delivery import coming, stamped
from datagen.felt import Felt
from datagen.outfile import OutFile, Written, again_name, copy_whole, file_name, sequence, stamp
from datagen.request import Feed, Run
from datagen.table import Table, length, take

BATCH_ROWS = 20_000  # as text at once: enough for speed, little enough for memory
Stop = Callable[[], bool]
Row = dict[str, Any]


class Stopped(Exception):
    """Asked to stop; what was under way was dropped."""


class Makers:
    """Makes days; the block that two days of a service share is remembered. `stop` is asked between batches."""

    def __init__(self, run: Run, folder: Path, stop: Stop = lambda: False) -> None:
        self.run, self.folder, self.stop = run, folder, stop
        self._pieces: dict[str, Pieces] = {}

    def day(self, service: str, number: int) -> tuple[list[Row], Felt]:
        """Writes the files of a day: a row a delivery (as in `deliveries.ndjson`), and who felt the incidents.

        Raises Stopped, and OperatorError when a file cannot be written; nothing but whole files stays.
        """
        feeds = self.run.feeds_of(service)
        several = [feed for feed in feeds if not feed.writer.one_a_row]
        if service not in self._pieces:
            views = [lambda table: table, *(feed.writer.view for feed in several)]
            self._pieces[service] = pieces(self.run.model, service, views)
        felt = Felt.of(self.run.model.incidents)
        under_way = [FeedDay(self.run, feed, self.folder, number, felt, self.stop) for feed in feeds]
        try:
            for base, *others in self._pieces[service](number):
                felt.add(service, base)
                for files in under_way:
                    files.add(base if files.feed not in several else others[several.index(files.feed)])
            return [row for files in under_way for row in files.finish()], felt
        except OSError as problem:
            remedy = "make room, or let this user write there, and run it again: complete days are kept"
            where = str(problem.filename or self.folder)
            raise OperatorError(f"cannot be written: {problem.strerror}", where=where, remedy=remedy) from problem
        finally:
            for files in under_way:
                files.drop()


class FeedDay:
    """The files of one feed on one day, from its tables in order of time."""

    def __init__(self, run: Run, feed: Feed, folder: Path, day: int, felt: Felt, stop: Stop) -> None:
        self.run, self.feed, self.folder, self.felt, self.stop = run, feed, folder, felt, stop
        self.rows: list[Row] = []
        self._start, self._end = day * DAY_MS, (day + 1) * DAY_MS
        self._next = self._start  # of the file that is not begun yet
        self._index = 0
        self._last = self._start
        self._file: OutFile | None = None
        self._silent = silences(run.model, feed.service)
        self._stamped = stamped(run.model, run.faults)

    def add(self, table: Table) -> None:
        """Rows of the day, later than those before."""
        for first in range(0, length(table), BATCH_ROWS):
            if self.stop():
                raise Stopped
            part = take(table, slice(first, first + BATCH_ROWS))
            records = self.feed.writer.records(part)
            times = part["_time"].values
            if self.run.rotation.by_time:
                self._by_time(records, times)
            else:
                self._by_size(records, times)

    def finish(self) -> list[Row]:
        if self.run.rotation.by_time:
            self._roll(self._end)
        elif self._file is not None:
            self._close(self._last)
        return self.rows

    def drop(self) -> None:
        if self._file is not None:
            self._file.drop()
            self._file = None

    def _by_time(self, records: Sequence[Any], times: Any) -> None:
        step = self.run.rotation.step
        starts = self._start + (times - self._start) // step * step
        periods, firsts = np.unique(starts, return_index=True)
        edges = [*firsts.tolist(), len(records)]
        for place, start in enumerate(periods.tolist()):
            self._roll(start)
            self._open(start).add(records[edges[place] : edges[place + 1]])

    def _roll(self, until: int) -> None:
        """Closes the file before `until`, and writes those without records that come in between."""
        step = self.run.rotation.step
        while self._next < until or (self._file is not None and self._file.start < until):
            if self._file is not None:
                self._close(self._file.start + step)
            elif any(begin <= self._next and self._next + step <= end for begin, end in self._silent):
                self._silenced(self._next)
                self._next += step
            else:
                self._open(self._next)

    def _silenced(self, start: int) -> None:
        name = f"{self.feed.name}/{file_name(self.feed, self.run, start, self._index)}"
        for position, incident in enumerate(self.run.model.incidents, 1):
            at_work = incident.type.mechanism == "silence" and incident.service == self.feed.service
            if at_work and incident.start <= start < incident.end:
                self.felt.file(position, name)

    def _by_size(self, records: Sequence[Any], times: Any) -> None:
        lengths = np.cumsum(np.fromiter(map(len, records), np.int64, len(records)))
        first = 0
        while first < len(records):
            out = self._file or self._open(int(times[first]))
            limit = self.run.rotation
            before = int(lengths[first - 1]) if first else 0
            room = (
                limit.lines - out.records
                if limit.lines
                else self._fitting(lengths, before, limit.size - out.octets, first)
            )
            last = min(len(records), first + max(room, 0 if out.records else 1))
            out.add(records[first:last])
            if last > first:
                self._last = int(times[last - 1])
            if last < len(records) or limit.full(out.records, out.octets):
                self._close(self._last, by_size=True)
            first = last

    def _fitting(self, lengths: Any, before: int, room: int, first: int) -> int:
        return int(np.searchsorted(lengths, before + room, side="right")) - first

    def _open(self, start: int) -> OutFile:
        if self._file is None:
            if not self.run.rotation.by_time:
                self._index += 1
            self._file = OutFile(self.folder, self.feed, self.run, start, self._index)
            self._next = start + self.run.rotation.step
        return self._file

    def _close(self, end: int, *, by_size: bool = False) -> None:
        if self._file is None:
            return
        if self.stop():
            raise Stopped
        index, written = self._file.index, self._file.close(end, by_size=by_size)
        self._file = None
        self._deliver(written, index)

    def _deliver(self, written: Written, index: int) -> None:
        run, number = self.run, sequence(self.run.rotation, written.start, index)
        come = coming(run.model, self.feed.service, self.feed.name, number, written.end, run.rotation.step, run.faults)
        row: Row = {
            "file": written.name,
            "service": self.feed.service,
            "layout": self.feed.layout.name,
            "start": _stored(written.start),
            "end": _stored(written.end),
            "delivered": _stored(come.delivered),
            "records": written.records,
            "bytes": written.size,
            "crc32": written.crc,
        }
        if come.delivered != written.end:
            row["late_s"] = (come.delivered - written.end) / 1000
        if come.incidents:
            row["incidents"] = [run.model.incidents[position - 1].id for position in come.incidents]
        for position in come.incidents:
            self.felt.file(position, written.name)
        self._landed(row, come.delivered)
        if come.again is not None:
            folder, _, name = written.name.rpartition("/")
            again = {**row, "file": f"{folder}/{again_name(name)}", "delivered": _stored(come.again)}
            copy_whole(self.folder / written.name, self.folder / again["file"])
            self._landed({**again, "duplicate_of": written.name}, come.again)

    def _landed(self, row: Row, delivered: int) -> None:
        if self._stamped:
            stamp(self.folder / row["file"], delivered)
        self.rows.append(row)


def _stored(milliseconds: int) -> str:
    return iso(from_epoch_ms(milliseconds))


def day_name(number: int) -> str:
    """`20261109`."""
    return f"{datetime.fromtimestamp(number * 86_400, UTC):%Y%m%d}"
