"""What is asked for, checked before anything is made: services, days, rates, layouts, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from contracts.errors import DefinitionError
from datagen.arrivals import DAY_MS
from datagen.behaviour import read_behaviour
from datagen.definitions import nearest
from datagen.delivery import Faults, faults
from datagen.incidents import Incident, read_scenario, read_types
from datagen.model import SERVICES, Model
from datagen.network import Network, read_network
from datagen.people import Customers
from datagen.rotation import Rotation, rotation
from datagen.streams import streams
from datagen.writers import Writer, writer_of
from mediation.layout import Layout
from mediation.load import FOLDER as LAYOUT_FOLDER
from mediation.load import load_layout

Scenario = Path | Sequence[Mapping[str, Any]] | None
Rate = float | Mapping[str, float] | None
Layouts = Mapping[str, str | Sequence[str]]  # service → names of layouts
LAYOUTS = {"voip": "voip-busyhour", "sms": "sms-busyhour", "epc": "epc-busyhour"}


@dataclass(frozen=True, slots=True)
class Feed:
    """Files of one layout with a service's records. `name`: its folder, and the beginning of file names."""

    name: str
    service: str
    writer: Writer

    @property
    def layout(self) -> Layout:
        return self.writer.layout


@dataclass(frozen=True, slots=True)
class Run:
    """A checked request. `first`: first day, in days since 1970 UTC."""

    model: Model
    feeds: tuple[Feed, ...]
    first: int
    days: int
    rotation: Rotation
    faults: Faults
    gzip: bool = False
    numbered: bool = False

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(feed.service for feed in self.feeds))

    def feeds_of(self, service: str) -> tuple[Feed, ...]:
        return tuple(feed for feed in self.feeds if feed.service == service)

    def incidents(self, until: int | None = None) -> list[tuple[int, Incident]]:
        """Those of the run's services that fall into its days, or into those before day `until`, with their positions from 1."""
        start, end = self.first * DAY_MS, (until or self.first + self.days) * DAY_MS
        return [
            (position, incident)
            for position, incident in enumerate(self.model.incidents, 1)
            if incident.service in self.services and incident.overlaps(start, end)
        ]

    def tasks(self) -> Iterator[tuple[str, int]]:
        """Service and day, in the order in which they are written."""
        for number in range(self.first, self.first + self.days):
            for service in self.services:
                yield service, number


def plan(
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
) -> Run:
    """The checked request, nothing written. Arguments and errors as `generate`."""
    chosen = _services(services)
    first = _first_day(start)
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 36_600:
        raise DefinitionError(f"days {days!r} is not a whole number from 1 to 36600")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise DefinitionError(f"seed {seed!r} is not a whole number from 0 to 2^63 - 1")
    net = network or read_network()
    begin, end = (datetime.fromtimestamp(day * DAY_MS / 1000, UTC) for day in (first, first + days))
    model = Model(
        network=net,
        behaviour=read_behaviour(),
        customers=Customers(net.customers, net.names("trunk_group"), SERVICES, seed),
        streams=streams(seed),
        seed=seed,
        per_day=_rates(rate, chosen, net),
        incidents=read_scenario(incidents, net, end=end, types=read_types(), start=begin)
        if incidents is not None
        else (),
    )
    feeds = _feeds(chosen, layouts or {})
    return Run(model, feeds, first, days, rotation(rotate), faults(late, duplicate), gzip, numbered)


def request_of(run: Run) -> dict[str, Any]:
    """What two runs must agree in to share a folder. Days may differ: a folder can be filled day by day."""
    return {
        "seed": run.model.seed,
        "rotate": [run.rotation.step, run.rotation.size, run.rotation.lines],
        "records_a_day": {service: run.model.per_day[service] for service in run.services},
        "layouts": {feed.name: feed.layout.name for feed in run.feeds},
        "incidents": [
            [item.id, item.type.name, str(item.place), item.start, item.end, item.strength, item.shape]
            for item in run.model.incidents
        ],
        "network": run.model.network.digest,
        "faults": [run.faults.late, run.faults.delay, run.faults.duplicate],
        "gzip": run.gzip,
        "numbered": run.numbered,
    }


def layouts_by_service(names: Sequence[str], services: Sequence[str] = ()) -> dict[str, list[str]]:
    """Layouts by the services of ours that they belong to. `services`: only these. Raises DefinitionError."""
    found: dict[str, list[str]] = {}
    for name in names:
        its = [service for service in _layout(name, "--layout").services if service in SERVICES]
        wanted = [service for service in its if not services or service in services]
        if not wanted:
            what = f"layout {name} is of {' and '.join(its) or 'no service that can be generated'}"
            raise DefinitionError(what, remedy=f"a layout of {' or '.join(services or SERVICES)}")
        for service in wanted:
            found.setdefault(service, []).append(name)
    return found


def _feeds(services: Sequence[str], chosen: Layouts) -> tuple[Feed, ...]:
    """The first layout of a service has the service's name, others their own. Layouts that belong together come together."""
    feeds = []
    for service in services:
        wanted = chosen.get(service, LAYOUTS[service])
        names = [wanted] if isinstance(wanted, str) else list(wanted)
        names += [beside for name in names if (beside := writer_of(_layout(name, f"layout of {service}")).beside)]
        for place, name in enumerate(dict.fromkeys(names)):
            layout = _layout(name, f"layout of {service}")
            if service not in layout.services:
                raise DefinitionError(f"layout {name} is not of service {service}", where=f"layout of {service}")
            feeds.append(Feed(name if place else service, service, writer_of(layout)))
    return tuple(feeds)


def _layout(name: str, where: str) -> Layout:
    every = sorted(path.stem for path in LAYOUT_FOLDER.glob("*.yml"))
    if name not in every:
        raise DefinitionError(
            f"unknown layout {name!r}{nearest(name, every)}", where=where, remedy="busyhour layouts list"
        )
    return load_layout(LAYOUT_FOLDER / f"{name}.yml")


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
