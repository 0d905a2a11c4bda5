"""The order of generating: check everything → estimate → customers → day by day, service by service → truth."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from contracts.clock import from_epoch_ms, iso
from contracts.errors import DefinitionError, OperatorError, UserError
from datagen.arrivals import DAY_MS
from datagen.behaviour import read_behaviour
from datagen.claim import check_folder, claim
from datagen.customers import Customers
from datagen.day import days as day_maker
from datagen.day import silences
from datagen.definitions import FOLDER, nearest
from datagen.files import CDR_FOLDER, batches, file_name, periods, rotation, size_in_words, write_whole
from datagen.incidents import Incident, read_scenario, read_types
from datagen.lines import check, header, lines
from datagen.model import SERVICES, Model
from datagen.network import Network, read_network
from datagen.streams import streams
from datagen.table import Table, length, take
from datagen.truth import Felt, truth_lines
from mediation.layout import Layout
from mediation.load import FOLDER as LAYOUT_FOLDER
from mediation.load import load_layout

Scenario = Path | Sequence[Mapping[str, Any]] | None
Rate = float | Mapping[str, float] | None
Progress = Callable[[str, int, int], None]  # what, done, of how many
LAYOUTS = {"voip": "voip-busyhour", "sms": "sms-busyhour", "epc": "epc-busyhour"}
BATCH_ROWS = 50_000  # as text at once: enough for speed, little enough for memory
FREE_PART = 0.9  # at most this part of the free disk is taken


@dataclass(slots=True)
class GenerateReport:
    """What was written. `outside`: ids of incidents that are not in this run's days or services."""

    truth: Path
    customers: Path
    files: int = 0
    rows: int = 0
    bytes: int = 0
    rows_by_service: dict[str, int] = field(default_factory=dict)
    incidents: int = 0
    outside: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """A checked request. `first`: first day, in days since 1970 UTC; `step`: a file's period in ms."""

    model: Model
    layouts: Mapping[str, Layout]
    first: int
    days: int
    step: int

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(self.layouts)


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
    layouts: Mapping[str, str] | None = None,
    network: Network | None = None,
    progress: Progress | None = None,
) -> GenerateReport:
    """Writes `out/cdr/SERVICE/SERVICE-….csv`, `out/truth.ndjson` and `out/customers.ndjson`.

    start: first day, UTC. rate: records a day of each service, or by service; the network file's own unless given.
    incidents: a scenario file, or its rows. rotate: 15m, 1h, 6h or 1d. layouts: layout by service instead of our own.
    The same arguments write the same bytes; a day is the same whichever run it is part of.
    Raises DefinitionError (bad arguments or files), UserError (it would not fit on the disk, or the folder holds files of
    another run); nothing is written then.
    """
    began = time.monotonic()
    run = plan(
        services=services, start=start, days=days, rate=rate, seed=seed, incidents=incidents, rotate=rotate,
        layouts=layouts, network=network,
    )  # fmt: skip
    request = _request(run)
    _check_room(out, run)
    check_folder(out, request)
    claim(out, request)
    report = GenerateReport(out / "truth.ndjson", out / "customers.ndjson")
    write_whole(report.customers, b"".join(orjson.dumps(row) + b"\n" for row in run.model.customers.records()))
    felt = Felt()
    _write_days(out, run, report, felt, progress or (lambda what, done, total: None))
    written = list(_in_run(run))
    write_whole(report.truth, truth_lines(written, felt))
    report.incidents = len(written)
    present = {incident.id for _, incident in written}
    report.outside = [incident.id for incident in run.model.incidents if incident.id not in present]
    report.seconds = time.monotonic() - began
    return report


def plan(
    *,
    services: Sequence[str] = SERVICES,
    start: date | datetime,
    days: int,
    rate: Rate = None,
    seed: int,
    incidents: Scenario = None,
    rotate: str = "1h",
    layouts: Mapping[str, str] | None = None,
    network: Network | None = None,
) -> Run:
    """The checked request, nothing written. Arguments and errors as `generate`."""
    chosen = _services(services)
    first = _first_day(start)
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 36_600:
        raise DefinitionError(f"days {days!r} is not a whole number from 1 to 36600")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise DefinitionError(f"seed {seed!r} is not a whole number from 0 to 2^63 - 1")
    net = network or read_network()
    end = datetime.fromtimestamp((first + days) * DAY_MS / 1000, UTC)
    model = Model(
        network=net,
        behaviour=read_behaviour(),
        customers=Customers(net.customers, net.names("trunk_group"), SERVICES, seed),
        streams=streams(seed),
        seed=seed,
        per_day=_rates(rate, chosen, net),
        incidents=read_scenario(incidents, net, end=end, types=read_types()) if incidents is not None else (),
    )
    return Run(model, _layouts(chosen, layouts or {}), first, days, rotation(rotate))


def _request(run: Run) -> dict[str, Any]:
    """What two runs must agree in to share a folder. Days may differ: a folder can be filled day by day."""
    return {
        "seed": run.model.seed,
        "rotate_ms": run.step,
        "records_a_day": {service: run.model.per_day[service] for service in run.services},
        "layouts": {service: layout.name for service, layout in run.layouts.items()},
        "incidents": [
            [item.id, item.type.name, str(item.place), item.start, item.end, item.strength, item.shape]
            for item in run.model.incidents
        ],
    }


def tables(run: Run, service: str) -> Iterator[Table]:
    """The days of a service as tables, in order: what the files are written from."""
    day = day_maker(run.model, service)
    for number in range(run.first, run.first + run.days):
        yield day(number)


def estimate(run: Run) -> tuple[float, float]:
    """Rows and bytes that a run would write, about: from its rates and the lines of a small day of each service."""
    rows_total = bytes_total = 0.0
    for service, layout in run.layouts.items():
        scale = min(1.0, 2000 / max(run.model.per_day[service], 1e-9))
        small = _at_rate(run.model, service, run.model.per_day[service] * scale)
        table = day_maker(small, service)(run.first)
        check(table, layout)
        sample = lines(table, layout)
        width = sum(map(len, sample)) / len(sample) if sample else 0.0
        rows = run.model.per_day[service] * run.days
        rows_total += rows
        bytes_total += rows * width + run.days * (DAY_MS // run.step) * len(header(layout))
    return rows_total, bytes_total


def _at_rate(model: Model, service: str, rate: float) -> Model:
    return Model(
        model.network, model.behaviour, model.customers, model.streams, model.seed, {**model.per_day, service: rate}, ()
    )


def _check_room(out: Path, run: Run) -> None:
    rows, size = estimate(run)
    folder = out
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise UserError("is a file, not a folder", where=str(folder), remedy="name another folder")
    try:
        free = shutil.disk_usage(folder).free
    except OSError as problem:
        raise OperatorError(f"cannot be asked for its free space: {problem}", where=str(folder)) from problem
    if size > FREE_PART * free:
        raise UserError(
            f"{rows:,.0f} records would take about {size_in_words(size)}; {size_in_words(free)} are free",
            where=str(out),
            remedy="fewer days, a lower rate, or another disk",
        )


def _write_days(out: Path, run: Run, report: GenerateReport, felt: Felt, progress: Progress) -> None:
    done, total = 0, run.days * len(run.layouts)
    makers = {service: day_maker(run.model, service) for service in run.services}
    for number in range(run.first, run.first + run.days):
        for service, make in makers.items():
            table = make(number)
            felt.add(service, table)
            _write_day(out / CDR_FOLDER / service, service, table, number, run, report)
            report.rows += length(table)
            report.rows_by_service[service] = report.rows_by_service.get(service, 0) + length(table)
            done += 1
            progress(f"generate {service}", done, total)


def _write_day(folder: Path, service: str, table: Table, number: int, run: Run, report: GenerateReport) -> None:
    layout = run.layouts[service]
    silent = silences(run.model, service)
    for batch in batches(periods(table["_time"].values, number * DAY_MS, run.step), BATCH_ROWS):
        offset = batch[0].first
        written = lines(take(table, slice(offset, batch[-1].last)), layout)
        for period in batch:
            if any(start <= period.start and period.end <= end for start, end in silent):
                continue
            rows = written[period.first - offset : period.last - offset]
            content = (header(layout) + "".join(rows)).encode("ascii")
            write_whole(folder / file_name(service, period.start, run.step), content)
            report.files += 1
            report.bytes += len(content)


def _in_run(run: Run) -> Iterator[tuple[int, Incident]]:
    start, end = run.first * DAY_MS, (run.first + run.days) * DAY_MS
    for position, incident in enumerate(run.model.incidents, 1):
        if incident.service in run.layouts and incident.overlaps(start, end):
            yield position, incident


def _services(services: Sequence[str]) -> tuple[str, ...]:
    if isinstance(services, str) or not services:
        raise DefinitionError("services must be a list of at least one service", remedy=f"of {', '.join(SERVICES)}")
    for service in services:
        if service not in SERVICES:
            raise DefinitionError(
                f"unknown service {service!r}{nearest(str(service), SERVICES)}", remedy=f"one of {', '.join(SERVICES)}"
            )
    return tuple(dict.fromkeys(services))


def _first_day(start: date | datetime) -> int:
    if isinstance(start, datetime):
        moment = (start if start.tzinfo else start.replace(tzinfo=UTC)).astimezone(UTC)
        if moment.timetz() != moment.timetz().replace(hour=0, minute=0, second=0, microsecond=0):
            raise DefinitionError(f"start {start.isoformat()} is not the beginning of a day, UTC", remedy="give a date")
        start = moment.date()
    number = (start - date(1970, 1, 1)) // timedelta(days=1)
    if number < 1:
        raise DefinitionError(f"start {start} is before 1970-01-02")
    return number


def _rates(rate: Rate, services: Sequence[str], network: Network) -> dict[str, float]:
    rates = {service: network.per_day(service) for service in SERVICES}
    given = rate if isinstance(rate, Mapping) else {} if rate is None else dict.fromkeys(services, rate)
    for service, value in given.items():
        if service not in SERVICES:
            raise DefinitionError(f"rate: unknown service {service!r}{nearest(service, SERVICES)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1e12:
            raise DefinitionError(f"rate of {service}: {value!r} is not a number of records a day above 0")
        rates[service] = float(value)
    return rates


def _layouts(services: Sequence[str], chosen: Mapping[str, str]) -> dict[str, Layout]:
    every = sorted(path.stem for path in LAYOUT_FOLDER.glob("*.yml"))
    picked = {}
    for service in services:
        wanted = chosen.get(service, LAYOUTS[service])
        if wanted not in every:
            raise DefinitionError(f"unknown layout {wanted!r}{nearest(wanted, every)}", where=f"layout of {service}")
        picked[service] = load_layout(LAYOUT_FOLDER / f"{wanted}.yml")
        if service not in picked[service].services:
            raise DefinitionError(f"layout {wanted} is not of service {service}", where=f"layout of {service}")
    return picked
