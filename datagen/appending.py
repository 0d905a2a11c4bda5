"""Lines as they come: files that grow, as a switch's log does, in place of files that appear whole.

A minute is made at a time (`Live`), and its lines are put behind those before. What a file holds up to a minute is always the
same bytes, so after a kill in the middle of a line the rest of the line follows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from contracts.clock import parse_iso
from contracts.errors import DefinitionError
from datagen.daywork import Row
from datagen.outfile import file_name
from datagen.request import Feed, Run
from datagen.rotation import Rotation
from datagen.writers import FileFacts

MINUTE_MS = 60_000
NO_FACTS = FileFacts()


def by_minutes(run: Run) -> Run:
    """The run that makes the minutes. Raises DefinitionError where lines cannot be appended."""
    if any(feed.layout.binary for feed in run.feeds):
        raise DefinitionError(
            "a BER file tells its length at its beginning and cannot grow", remedy="leave --append out"
        )
    if run.gzip or run.faults.any or not run.rotation.by_time:
        raise DefinitionError(
            "files that grow are not packed, late, twice or closed by size", remedy="leave --append out"
        )
    return replace(run, rotation=Rotation(step=MINUTE_MS), numbered=False)


class Appender:
    """Where a minute's lines belong: the file of `run` that its period falls into, and the offset there."""

    def __init__(self, run: Run, stage: Path, folder: Path) -> None:
        self.run, self.stage, self.folder = run, stage, folder
        self._feeds = {feed.name: feed for feed in run.feeds}
        self._offsets: dict[str, int] = {}
        self._ends: dict[str, int] = {}

    def note(self, rows: list[Row]) -> None:
        """Minutes of a day, in order."""
        for row in rows:
            feed, target = self._target(row)
            head = len(feed.writer.file([], NO_FACTS))
            offset = self._ends.get(target, head)
            self._offsets[row["file"]] = offset
            self._ends[target] = offset + row["bytes"] - head

    def land(self, row: Row) -> None:
        feed, target = self._target(row)
        path = self.folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        content = (self.stage / row["file"]).read_bytes()
        head = len(feed.writer.file([], NO_FACTS))
        offset = self._offsets[row["file"]]
        there = path.stat().st_size if path.exists() else 0
        with path.open("ab") as out:
            if there < head:  # new, or killed while it was begun
                out.write(content[there:])
            else:
                out.write(content[head + max(0, there - offset) :])

    def forget(self, row: Row) -> None:
        self._offsets.pop(row["file"], None)
        self._ends.pop(self._target(row)[1], None)

    def _target(self, row: Row) -> tuple[Feed, str]:
        feed = self._feeds[row["file"].partition("/")[0]]
        start = round(parse_iso(row["start"]).timestamp() * 1000)
        step = self.run.rotation.step
        return feed, f"{feed.name}/{file_name(feed, self.run, start // step * step, 0)}"
