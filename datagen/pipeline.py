"""The order of generating: check everything → ask for room → customers → days, by one process or several → deliveries → truth.

A day that is complete has a record in `.days/`. A run that was interrupted goes on behind those whose files are still as they
were written, and ends with the same bytes as one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from contracts.clock import from_epoch_ms, iso
from contracts.errors import InternalError
from datagen.claim import check_folder, claim
from datagen.day import days as day_maker
from datagen.definitions import FOLDER
from datagen.felt import Felt
from datagen.files import CDR_FOLDER, write_whole
from datagen.incidents import read_scenario, read_types
from datagen.model import SERVICES
from datagen.network import Network, read_network
from datagen.people.writing import chosen, people_bytes, write_people
from datagen.records import complete, felt_of, kept, mark_taken, path_of, taken
from datagen.references import write_references
from datagen.request import LAYOUTS, Layouts, Rate, Run, Scenario, plan, request_of
from datagen.room import Confirm, check_room, estimate
from datagen.sink import Sink
from datagen.table import Table
from datagen.truth import truth_lines
from datagen.workers import Task, made

__all__ = [
    "LAYOUTS",
    "GenerateReport",
    "Run",
    "default_incidents",
    "demo_start",
    "estimate",
    "generate",
    "plan",
    "tables",
]
Progress = Callable[[str, int, int], None]  # what, done, of how many


@dataclass(slots=True)
class GenerateReport:
    """What the days hold. `outside`: ids of incidents that are not in this run's days or services. `resumed`: days of a service
    that an earlier run had completed."""

    truth: Path
    customers: Path
    deliveries: Path
    files: int = 0
    rows: int = 0
    bytes: int = 0
    rows_by_service: dict[str, int] = field(default_factory=dict)
    late: int = 0
    duplicates: int = 0
    resumed: int = 0
    incidents: int = 0
    outside: list[str] = field(default_factory=list)
    seconds: float = 0.0


def default_incidents(end: datetime) -> list[dict[str, Any]]:
    """The demo's labelled incidents as rows of a scenario: one of each type in the three days before `end`."""
    placed = read_scenario(FOLDER / "demo.yml", read_network(), end=end, types=read_types())
    return [
        {
            "id": incident.id,
            "type": incident.type.name,
            "place": str(incident.place),
            "start": iso(from_epoch_ms(incident.start)),
            "end": iso(from_epoch_ms(incident.end)),
        }
        for incident in placed
    ]


def demo_start(today: date, days: int = 28) -> date:
    """First day of the latest whole run that ends with a Friday before `today`: its last three days are working days."""
    last = today - timedelta(days=(today.weekday() - 4) % 7 or 7)
    return last - timedelta(days=days - 1)


def generate(
    out: Path,
    *,
    services: Sequence[str] = SERVICES,
    start: date | datetime,
    days: int,
    rate: Rate = None,
    seed: int,
    incidents: Scenario = None,
    rotate: str = "1h",
    layouts: Layouts | None = None,
    network: Network | None = None,
    late: str | None = None,
    duplicate: str | None = None,
    gzip: bool = False,
    numbered: bool = False,
    customers: str | None = None,
    workers: int = 1,
    confirm: Confirm | None = None,
    sink: Sink | None = None,
    progress: Progress | None = None,
) -> GenerateReport:
    """Writes `out/cdr/SERVICE/…`, `out/truth.ndjson`, `out/deliveries.ndjson` (a line a file), `out/customers.ndjson` and what
    else is about customers and the network (docs/generator.md).

    start: first day, UTC. rate: records a day of each service, or by service; the network file's own unless given.
    incidents: a scenario file, or its rows. rotate: a time (15m, 1h, 1d), a size (10MB) or a count (50000lines).
    layouts: by service, one or several instead of our own. late, duplicate: shares of the files that come late or twice
    (`2%:45m`, `1%`). numbered: names with running numbers. customers: which to write: all, seen (with records here) or none;
    all unless they are more than `people.writing.MANY`. workers: processes. confirm: asked before much of the disk is taken.
    sink: takes the files of each day when it is complete, in place of the folder.
    The same arguments write the same bytes, whatever the workers; a day is the same whichever run it is part of, and one that
    is complete is not made again.
    Raises DefinitionError (bad arguments or files), UserError (it would not fit on the disk, or the folder holds files of
    another run); nothing is written then.
    """
    began = time.monotonic()
    asked = {
        "services": services, "start": start, "days": days, "rate": rate, "seed": seed, "incidents": incidents,
        "rotate": rotate, "layouts": layouts, "network": network, "late": late, "duplicate": duplicate, "gzip": gzip,
        "numbered": numbered,
    }  # fmt: skip
    run = plan(**asked)  # type: ignore[arg-type]
    folder, whom = out / CDR_FOLDER, chosen(customers, run.model.customers.count)
    request = {**request_of(run), "sink": "files" if sink is None else type(sink).__name__}
    check_folder(out, request)
    left = [task for task in run.tasks() if not (taken(out, *task) or complete(out, folder, *task))]
    people = people_bytes(run.model) if whom == "all" else 0.0
    check_room(out, run, confirm, people - _written_already(out, run, left))
    claim(out, request)
    _sweep(out)
    report = GenerateReport(out / "truth.ndjson", out / "customers.ndjson", out / "deliveries.ndjson")
    write_references(out, run.model)
    if whom == "all":
        write_people(out, run.model, run.first)
    report.resumed = done = run.days * len(run.services) - len(left)
    if sink is not None:
        rest = set(left)
        _take(out, sink, [task for task in run.tasks() if task not in rest and not taken(out, *task)])
    for service, number in made(run, asked, out, folder, left, workers):
        if sink is not None:
            _take(out, sink, [(service, number)])
        done += 1
        if progress is not None:
            progress(f"generate {service}", done, run.days * len(run.services))
    felt = _conclude(out, run, report)
    if whom == "seen":
        write_people(out, run.model, run.first, felt.seen)
    report.seconds = time.monotonic() - began
    return report


def tables(run: Run, service: str) -> Iterator[Table]:
    """The days of a service as tables, in order: what the files are written from."""
    day = day_maker(run.model, service)
    for number in range(run.first, run.first + run.days):
        yield day(number)


def _written_already(out: Path, run: Run, left: Sequence[Task]) -> int:
    """Bytes of the days that are complete."""
    rest = set(left)
    records = (kept(out, *task) for task in run.tasks() if task not in rest)
    return sum(row["bytes"] for record in records if record is not None for row in record["deliveries"])


def _take(out: Path, sink: Sink, tasks: Sequence[Task]) -> None:
    for task in tasks:
        sink.take((kept(out, *task) or {"deliveries": []})["deliveries"])
        mark_taken(out, *task)


def _sweep(out: Path) -> None:
    """Parts of files that a killed run left behind."""
    for part in out.rglob(".*.part"):
        if part.is_file():
            part.unlink(missing_ok=True)


def _conclude(out: Path, run: Run, report: GenerateReport) -> Felt:
    """Deliveries and truth, from the records of the days."""
    felt = Felt.of(run.model.incidents)
    write_whole(report.deliveries, _deliveries(out, run, report, felt))
    written = run.incidents()
    write_whole(report.truth, truth_lines(written, felt))
    report.incidents = len(written)
    present = {incident.id for _, incident in written}
    report.outside = [incident.id for incident in run.model.incidents if incident.id not in present]
    return felt


def _deliveries(out: Path, run: Run, report: GenerateReport, felt: Felt) -> Iterator[bytes]:
    for service, number in run.tasks():
        record = kept(out, service, number)
        if record is None:
            raise InternalError("the record of a complete day is gone", where=str(path_of(out, service, number)))
        felt.merge(felt_of(record, run.model.incidents))
        for row in record["deliveries"]:
            _count(report, service, row)
            yield orjson.dumps(row) + b"\n"


def _count(report: GenerateReport, service: str, row: Mapping[str, Any]) -> None:
    report.files += 1
    report.bytes += row["bytes"]
    if "duplicate_of" in row:
        report.duplicates += 1
        return
    report.late += "late_s" in row
    report.rows += row["records"]
    report.rows_by_service[service] = report.rows_by_service.get(service, 0) + row["records"]
