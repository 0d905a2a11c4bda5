"""Traffic in real time: a file appears when it would be delivered, late and double ones included.

Each day is made ahead, hidden in `.live/`, by the same code that writes a whole run, and so with the same bytes; what is
delivered is linked to its place. `live.json` says which clock the run goes by and up to when all has been delivered, so that a
run that was stopped, killed or paused goes on there and catches up.
"""

from __future__ import annotations

import heapq
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import orjson

from contracts.clock import from_epoch_ms, iso, parse_iso
from contracts.errors import DefinitionError, InternalError, UserError
from datagen.appending import Appender, by_minutes
from datagen.arrivals import DAY_MS
from datagen.claim import check_folder, claim
from datagen.daywork import Makers, Row, Stopped
from datagen.delivery import longest_delay
from datagen.felt import Felt
from datagen.files import CDR_FOLDER, write_whole
from datagen.outfile import copy_whole, stamp
from datagen.people.writing import chosen, write_people
from datagen.records import complete, felt_of, keep, kept
from datagen.references import write_references
from datagen.request import Run, request_of
from datagen.sink import Sink
from datagen.truth import truth_lines

STAGE = ".live"
STATE = "live.json"
_TICK_SEC = 0.5  # between two looks whether to stop
MOST_SPEED = 100_000.0
Clock = Callable[[], float]  # seconds since 1970


@dataclass(slots=True)
class LiveReport:
    """What this process delivered; `through`: record time up to which everything is."""

    files: int = 0
    rows: int = 0
    bytes: int = 0
    late: int = 0
    duplicates: int = 0
    through: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Record time runs `speed` times as fast as the clock from `record` at `wall` (ms since 1970), and never ahead of it."""

    wall: int
    record: int
    speed: float

    def at(self, wall: float) -> int:
        return min(int(self.record + (wall * 1000 - self.wall) * self.speed), int(wall * 1000))

    def seconds_to(self, moment: int, wall: float) -> float:
        """Until record time is `moment`."""
        return max((moment - self.at(wall)) / 1000 / self.speed, moment / 1000 - wall)


def run_live(
    out: Path,
    run: Run,
    *,
    speed: float = 1.0,
    begin: int,
    stop: threading.Event,
    append: bool = False,
    customers: str | None = None,
    sink: Sink | None = None,
    clock: Clock = time.time,
) -> LiveReport:
    """Delivers until `stop` is set or the run's days are over.

    begin: record time (ms since 1970) to start at, unless the folder has a run to go on with. append: lines as they come, in
    files that grow. Raises DefinitionError, UserError as `generate`.
    """
    if append and sink is not None:
        raise DefinitionError("a sink takes whole files", remedy="leave --append or --sink out")
    if not 0 < speed <= MOST_SPEED:
        raise DefinitionError(f"speed {speed!r} is not a number above 0, up to {MOST_SPEED:g}")
    began = time.monotonic()
    request = {**request_of(run), "live": "append" if append else "files"}
    made = by_minutes(run) if append else run
    check_folder(out, request)
    claim(out, request)
    write_references(out, run.model)
    if chosen(customers, run.model.customers.count) == "all":
        write_people(out, run.model, run.first)
    appender = Appender(run, out / STAGE / CDR_FOLDER, out / CDR_FOLDER) if append else None
    live = Live(out, made, _pace(out, speed, begin, clock()), stop, sink, clock, appender)
    try:
        live.until_stopped()
    finally:
        live.report.seconds = time.monotonic() - began
    return live.report


def began(out: Path) -> date | None:
    """First day of the live run that a folder has, where it has one."""
    try:
        return date.fromisoformat(orjson.loads((out / STATE).read_bytes())["first"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _pace(out: Path, speed: float, begin: int, wall: float) -> tuple[Pace, int]:
    """The clock of the run and how far it is: what the folder says, else from `begin` on."""
    try:
        found = orjson.loads((out / STATE).read_bytes())
        pace = Pace(int(found["wall_ms"]), int(found["record_ms"]), float(found["speed"]))
        through = _milliseconds(found["through"])
    except FileNotFoundError:
        return Pace(int(wall * 1000), begin, speed), begin
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UserError(
            f"cannot be read: {problem}", where=str(out / STATE), remedy="name an empty folder"
        ) from problem
    if pace.speed != speed:  # another speed from here on
        pace = Pace(int(wall * 1000), through, speed)
    return pace, through


class Live:
    """A live run under way."""

    def __init__(
        self,
        out: Path,
        run: Run,
        pace: tuple[Pace, int],
        stop: threading.Event,
        sink: Sink | None,
        clock: Clock,
        appender: Appender | None,
    ) -> None:
        self.out, self.run, self.stop, self.sink, self.clock = out, run, stop, sink, clock
        self.pace, self.through = pace
        self.appender = appender
        self.report = LiveReport(through=_iso(self.through))
        self.stage, self.folder = out / STAGE, out / CDR_FOLDER
        self._makers = Makers(run, self.stage / CDR_FOLDER, stop.is_set)
        self._due: list[tuple[int, int, Row]] = []
        self._back = longest_delay(run.model, run.faults)
        self._day = max(run.first, (self.through - self._back) // DAY_MS)  # the next to be made
        self._order = 0
        self._felt = self._felt_before()
        _forget_after(out / "deliveries.ndjson", self.through)

    def until_stopped(self) -> None:
        try:
            while not self.stop.is_set():
                now = self.pace.at(self.clock())
                while self._day * DAY_MS <= now and self._day < self.run.first + self.run.days:
                    self._make(self._day)
                    self._day += 1
                self._deliver(now)
                if not self._due and self._day >= self.run.first + self.run.days:
                    return
                following = self._due[0][0] if self._due else self._day * DAY_MS
                self.stop.wait(min(max(self.pace.seconds_to(following, self.clock()), 0.0), _TICK_SEC))
        except Stopped:
            return

    def _make(self, number: int) -> None:
        for service in self.run.services:
            if not complete(self.stage, self.stage / CDR_FOLDER, service, number):
                keep(self.stage, service, number, *self._makers.day(service, number))
            record = kept(self.stage, service, number)
            if record is None:
                raise InternalError("the record of a day is gone", where=str(self.stage))
            self._felt.merge(felt_of(record, self.run.model.incidents))
            if self.appender is not None:
                self.appender.note(record["deliveries"])
            for row in record["deliveries"]:
                moment = _milliseconds(row["delivered"])
                if moment > self.through:
                    heapq.heappush(self._due, (moment, self._order, row))
                    self._order += 1
        write_whole(self.out / "truth.ndjson", truth_lines(self.run.incidents(number + 1), self._felt))
        self._forget(number - 2 - self._back // DAY_MS)

    def _deliver(self, now: int) -> None:
        rows = []
        while self._due and self._due[0][0] <= now and not self.stop.is_set():
            moment, _, row = heapq.heappop(self._due)
            self._land(row, moment)
            rows.append(row)
            if not self._due or self._due[0][0] > moment:
                self._note(rows, moment)
                rows = []

    def _land(self, row: Row, moment: int) -> None:
        if self.appender is not None:
            self.appender.land(row)
            return
        source, target = self.stage / CDR_FOLDER / row["file"], self.folder / row["file"]
        target.parent.mkdir(parents=True, exist_ok=True)
        stamp(source, moment)
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        try:
            os.link(source, part)
        except OSError:  # a file system without links
            copy_whole(source, target)
            stamp(target, moment)
        else:
            part.replace(target)
            part.unlink(missing_ok=True)  # replacing a link by another of the same file leaves both

    def _note(self, rows: list[Row], moment: int) -> None:
        """Everything up to `moment` is delivered."""
        if self.sink is not None:
            self.sink.take(rows)
        with (self.out / "deliveries.ndjson").open("ab") as manifest:
            manifest.write(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        self.through = moment
        state = {
            "wall_ms": self.pace.wall,
            "record_ms": self.pace.record,
            "speed": self.pace.speed,
            "through": _iso(moment),
        }
        write_whole(self.out / STATE, orjson.dumps(state) + b"\n")
        self.report.through = _iso(moment)
        for row in rows:
            twice = "duplicate_of" in row
            self.report.files += 1
            self.report.bytes += row["bytes"]
            self.report.duplicates += twice
            self.report.late += "late_s" in row and not twice
            self.report.rows += 0 if twice else row["records"]

    def _forget(self, number: int) -> None:
        """The hidden files of a day that is over. Its records stay, for the truth."""
        for service in self.run.services:
            for row in (kept(self.stage, service, number) or {"deliveries": []})["deliveries"]:
                (self.stage / CDR_FOLDER / row["file"]).unlink(missing_ok=True)
                if self.appender is not None:
                    self.appender.forget(row)

    def _felt_before(self) -> Felt:
        """Who felt the incidents of the days that an earlier run made and this one does not make again."""
        felt = Felt.of(self.run.model.incidents)
        for number in range(self.run.first, self._day):
            for service in self.run.services:
                record = kept(self.stage, service, number)
                if record is not None:
                    felt.merge(felt_of(record, self.run.model.incidents))
        return felt


def _forget_after(manifest: Path, through: int) -> None:
    """Lines that a killed run wrote before it noted that it had."""
    if not manifest.exists():
        return
    rows = [line for line in manifest.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    write_whole(manifest, b"".join(line for line in rows if _milliseconds(orjson.loads(line)["delivered"]) <= through))


def _milliseconds(text: str) -> int:
    return round(parse_iso(text).timestamp() * 1000)


def _iso(milliseconds: int) -> str:
    return iso(from_epoch_ms(milliseconds))
