"""The whole way once, in order: node → traffic → mediation → KPIs → baselines → incidents → alerts → tickets → judgement."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from alerting import AlertReport, list_alerts, run_watches
from cli.context import say
from cli.demo_reports import DemoReports, bring_usage, make
from cli.output import Advance
from contracts.clock import iso, parse_iso
from contracts.errors import InternalError
from datagen import GenerateReport, default_incidents, demo_start, generate
from detectors import (
    DetectReport,
    Evaluation,
    Labelled,
    TrainReport,
    detect,
    evaluate_truth,
    read_truth,
    service_states,
    train,
)
from infrastructure.node.lifecycle import LocalNode
from infrastructure.setup import set_up
from infrastructure.store import Store
from kpis.pipeline import RollupReport, rollup
from mediation import IngestReport, ingest
from mediation.correlate import CorrelateReport, correlate
from servicedesk import AlertTickets, Ticket, TicketDesk, load_customers

DAYS = 28
TRAINED_DAYS = 18  # the other ten are judged: a quiet week, then three days with incidents
SEED = 20
TICK = timedelta(minutes=5)
Bar = Callable[[str], AbstractContextManager[Advance]]


@dataclass
class Demo:
    """What happened, stage by stage. `took`: seconds per stage. Times are record times, UTC."""

    home: Path
    start: datetime
    took: dict[str, float] = field(default_factory=dict)
    generated: GenerateReport | None = None
    customers: int = 0
    ingested: IngestReport | None = None
    sampled: IngestReport | None = None
    correlated: CorrelateReport | None = None
    rolled: RollupReport | None = None
    trained: TrainReport | None = None
    detected: DetectReport | None = None
    alerted: AlertReport | None = None
    evaluation: Evaluation | None = None
    truth: list[Labelled] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)
    lowest: dict[str, float] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    reports: DemoReports = field(default_factory=DemoReports)
    seconds: float = 0.0

    @property
    def log(self) -> Path:
        """Where the watches' log action writes during the demo: the page shows the alerts already."""
        return self.home / "demo" / "alerts.log"

    @property
    def judged_from(self) -> datetime:
        return self.start + timedelta(days=TRAINED_DAYS)

    @property
    def end(self) -> datetime:
        return self.start + timedelta(days=DAYS)

    def alert_of(self, incident: str) -> dict[str, Any] | None:
        return next((alert for alert in self.alerts if alert.get("incident", {}).get("id") == incident), None)

    def ticket_of(self, incident: str) -> Ticket | None:
        return next((ticket for ticket in self.tickets if ticket.incident == incident), None)

    @property
    def told(self) -> Ticket | None:
        """The ticket whose story the page tells: of the first incident that was found and has one."""
        tickets = (self.ticket_of(match.found) for match in self.judged.matches if match.found)
        return next((ticket for ticket in tickets if ticket is not None), None)

    @property
    def judged(self) -> Evaluation:
        if self.evaluation is None:
            raise InternalError("the demo was not judged yet")
        return self.evaluation

    @property
    def complete(self) -> bool:
        """Every labelled incident has an incident of ours, an alert and a ticket."""
        return all(
            each.found and self.alert_of(each.found) and self.ticket_of(each.found) for each in self.judged.matches
        )

    @property
    def false_alerts(self) -> list[dict[str, Any]]:
        """Alerts about no labelled incident: neither about one that was matched, nor fired while one of its service lasted."""
        known = {each.found for each in self.judged.matches if each.found}
        return [
            alert
            for alert in self.alerts
            if alert.get("incident", {}).get("id") not in known
            and not any(_tells_of(alert, label) for label in self.truth)
        ]

    def as_dict(self) -> dict[str, Any]:
        """For machines; the keys that scripts rely on come first."""
        found = [each for each in self.judged.matches if each.found]
        return {
            "seconds": round(self.seconds, 1),
            "incidents": len(self.judged.matches),
            "incidents_found": len(found),
            "false_alarms": len(self.judged.false_alarms),
            "alerts": len(self.alerts),
            "tickets": len(self.tickets),
            "false_alerts": len(self.false_alerts),
            "complete": self.complete,
            "judged_from": iso(self.judged_from),
            "judged_until": iso(self.end),
            "records": self.ingested.lines if self.ingested else 0,
            "records_per_s": round(self.ingested.lines / self.ingested.seconds) if self.ingested else 0,
            "sessions": self.correlated.epc.made if self.correlated else 0,
            "impacted_customers": {each.labelled: self._impact(each.found) for each in found},
            "stages": {stage: round(seconds, 1) for stage, seconds in self.took.items()},
            **self.reports.as_dict(),
            "evaluation": self.judged.as_dict(),
        }

    def _impact(self, incident: str) -> int:
        ticket = self.ticket_of(incident)
        return ticket.impacted_customers if ticket else 0


def run(home: Path, node: LocalNode | None, connect: Callable[[], Store], bar: Bar, samples: Path) -> Demo:
    """Everything, each stage under its own progress bar. `node`: the local one, None where ES_URL names another."""
    began = time.monotonic()
    demo = Demo(home, _period(home))
    with _stage(demo, bar, "starting Elasticsearch"):
        if node is not None:
            node.ensure()
        store = connect()
        set_up(store)
    with ThreadPoolExecutor(1, "usage") as beside:
        _traffic(demo, store, bar, samples)
        # Elasticsearch has the work of the next stages, and Python time to spare.
        brought = beside.submit(bring_usage, store.settings, store, say)
        _rolled(demo, store, bar)
        _judge(demo, store, bar)
        with _stage(demo, bar, "customers' usage and the KPI report"):
            balanced = brought.result()
            demo.reports = make(store.settings, store, demo.home / "demo" / "reports", demo.start, demo.end, say)
            demo.reports.balanced = balanced
    demo.seconds = time.monotonic() - began
    return demo


def _traffic(demo: Demo, store: Store, bar: Bar, samples: Path) -> None:
    """From nothing to documents in the store."""
    traffic = demo.home / "demo" / "traffic"
    with _stage(demo, bar, "generating four weeks of traffic") as advance:
        demo.generated = generate(
            traffic,
            start=demo.start,
            days=DAYS,
            seed=SEED,
            incidents=default_incidents(demo.end),
            progress=lambda what, done, total: advance(done, total),
        )
    with _stage(demo, bar, "loading customers"):
        demo.customers = load_customers(store, demo.generated.customers).customers
    with _stage(demo, bar, "mediating CDR files") as advance:
        demo.ingested = ingest(store, [traffic / "cdr"], progress=advance)
    with _stage(demo, bar, "mediating the sample files"):
        demo.sampled = ingest(store, [samples]) if samples.is_dir() else None
    with _stage(demo, bar, "putting sessions and calls together") as advance:
        demo.correlated = correlate(store, progress=lambda what, done, total: advance(done, total))


def _rolled(demo: Demo, store: Store, bar: Bar) -> None:
    with _stage(demo, bar, "rolling up KPIs") as advance:
        demo.rolled = rollup(store, progress=lambda what, done, total: advance(done, total))


def _judge(demo: Demo, store: Store, bar: Bar) -> None:
    """From KPI points to tickets, and what they are worth against the labelled truth."""
    if demo.generated is None:
        raise InternalError("no traffic was generated")
    with _stage(demo, bar, "learning baselines"):
        demo.trained = train(store, until=demo.judged_from)
    with _stage(demo, bar, "detecting"):
        demo.detected = detect(store, since=demo.judged_from, until=demo.end)
    with _stage(demo, bar, "alerting and opening tickets") as advance, _alerts_logged_to(demo.log):
        demo.alerted = run_watches(
            store, since=demo.judged_from, until=demo.end, every=TICK, opener=AlertTickets(store), progress=advance
        )
    with _stage(demo, bar, "comparing with the labelled truth"):
        store.refresh("incident", "alert", "ticket", "service-state")
        demo.truth = read_truth(demo.generated.truth)
        demo.evaluation = evaluate_truth(store, demo.generated.truth, since=demo.judged_from, until=demo.end)
        demo.alerts = list_alerts(store, since=demo.judged_from, limit=1000)
        demo.tickets = TicketDesk(store).list(limit=1000)
        _closed(demo, store)
        demo.states = service_states(store)
        demo.lowest = _lowest_states(store, demo.judged_from, demo.end)


def _closed(demo: Demo, store: Store) -> None:
    """What a person does in the end: the ticket whose story is told is closed, once."""
    ticket = demo.told
    if ticket is None or ticket.state != "resolved" or ticket.resolved is None:
        return
    desk, at = TicketDesk(store), ticket.resolved + timedelta(minutes=30)
    desk.close(ticket.id, by="noc", comment="the figures have been normal for half an hour", at=at)
    demo.tickets = desk.list(limit=1000)


def _tells_of(alert: dict[str, Any], label: Labelled) -> bool:
    """Fired during a labelled incident of the service that it names (a missed target has no incident of its own)."""
    labels, fired = alert["alert"].get("labels", {}), parse_iso(alert["alert"]["starts_at"])
    return labels.get("service") == label.service and label.start <= fired <= label.end + timedelta(hours=1)


def _lowest_states(store: Store, since: datetime, until: datetime) -> dict[str, float]:
    query = (
        "FROM service-state | WHERE @timestamp >= ? AND @timestamp < ? | STATS low = MIN(state.value) BY service.name"
    )
    return {row["service.name"]: row["low"] for row in store.esql(query, [since, until]).dicts()}


@contextmanager
def _alerts_logged_to(file: Path) -> Iterator[None]:
    handler = logging.FileHandler(file, encoding="utf-8")
    log = logging.getLogger("busyhour.alerts")
    log.addHandler(handler)
    log.propagate = False
    try:
        yield
    finally:
        log.propagate = True
        log.removeHandler(handler)
        handler.close()


def _period(home: Path) -> datetime:
    """First day of the traffic. Kept in a file: a second demo on the same data meets the same records again."""
    file = home / "demo" / "demo.json"
    if file.is_file():
        first = date.fromisoformat(json.loads(file.read_text(encoding="utf-8"))["start"])
    else:
        first = demo_start(datetime.now(UTC).date(), DAYS)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"start": first.isoformat(), "days": DAYS, "seed": SEED}), encoding="utf-8")
    return datetime(first.year, first.month, first.day, tzinfo=UTC)


@contextmanager
def _stage(demo: Demo, bar: Bar, label: str) -> Iterator[Advance]:
    began = time.monotonic()
    with bar(label) as advance:
        yield advance
    demo.took[label] = time.monotonic() - began
