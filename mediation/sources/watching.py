"""The job that looks at who delivers files: rhythms, silences and gaps, from the ledger alone.

A source's state is a document of `cdr-source`; a silence, missing numbers or a repeated one is a document of `cdr-gap` with a
start and, once it is over, an end, which is what the watches read. All of it follows from the ledger and the clock: looking twice
changes nothing, and a look that died is mended by the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contracts.clock import iso, parse_iso
from contracts.ids import joined
from contracts.indices import concrete
from infrastructure import guarded
from infrastructure.store import Store
from mediation.audit import discover
from mediation.sources.findings import Finding, found_in, reconciled, silence
from mediation.sources.rhythm import Rhythm, rhythm
from mediation.sources.sequence import Arrival
from mediation.sources.table import Named, Sender, Table, load_table

JOB = "sources"
LEARNING, ON_TIME, LATE, RETIRED = "learning", "on_time", "late", "retired"
_SLACK = timedelta(minutes=5)  # rows written while the last look was under way
_PAGE = 1000


@dataclass(slots=True)
class SourceReport:
    """What a look found: sources by state, findings that are open now, rows opened for files that only documents name."""

    sources: int = 0
    late: int = 0
    retired: int = 0
    missing: int = 0
    repeated: int = 0
    opened: int = 0
    changed: int = 0


@dataclass(slots=True)
class _Files:
    """Files of one source in the window, in order of delivery."""

    named: Named
    row: Mapping[str, Any]  # of the newest file
    moments: list[float] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)

    def add(self, named: Named, row: Mapping[str, Any]) -> None:
        moment = parse_iso(row["file"]["mtime"]).timestamp()
        self.named, self.row = named, row
        self.moments.append(moment)
        if named.sequence is not None:
            file = row["log"]["file"]
            self.arrivals.append(Arrival(named.sequence, moment, str(file["path"]), str(file["fingerprint"])))


def watch_sources(store: Store, *, now: datetime | None = None, table: Table | None = None) -> SourceReport:
    """Looks at every source whose rows changed since the last look, and at the silence of all. Returns what is open now.

    Raises DefinitionError on a bad table of sources, StoreUnavailable and StoreRefused as the store does.
    """
    now, table = now or store.clock(), table or load_table(store.settings)
    checkpoint = store.get("job", JOB)
    since = parse_iso(checkpoint.source["job"]["checkpoint"]) - _SLACK if checkpoint else None
    report = SourceReport(opened=discover(store, since))
    store.refresh("cdr-gap")
    look = _Look(store, table, now, report)
    for folder in _touched(store, since):
        look.folder(folder)
    look.silences()
    store.refresh("cdr-source", "cdr-gap")
    _count(store, report)
    document = {"event": {"ingested": iso(store.clock())}, "job": {"name": JOB, "checkpoint": iso(now)}}
    store.modify("job", JOB, lambda _: document, create=lambda: document)
    return report


def source_id(sender: Sender) -> str:
    """Id of a source's document."""
    return joined(sender)


@dataclass(slots=True)
class _Look:
    store: Store
    table: Table
    now: datetime
    report: SourceReport

    def folder(self, folder: str) -> None:
        """Sources whose files come to one folder."""
        window = timedelta(days=self.store.settings.number("source.window.days"))
        begin = self.now - window
        filters = [
            {"term": {"file.source": folder}},
            {"range": {"file.mtime": {"gte": iso(begin), "lte": iso(self.now)}}},
        ]
        wanted = ["log.file", "file.source", "file.layout", "file.mtime", "file.sequence", "file.node", "service"]
        found: dict[Sender, _Files] = {}
        query = {"bool": {"filter": filters}}
        for hit in self.store.scan("cdr-file", query, wanted, sort=[{"file.mtime": "asc"}, {"log.file.path": "asc"}]):
            row = hit["_source"]
            named = self.table.named(row)
            found.setdefault(named.sender, _Files(named, row)).add(named, row)
        for sender, files in found.items():
            self._source(sender, files)
            self._gaps(sender, files, begin)

    def _source(self, sender: Sender, files: _Files) -> None:
        """The state of one source, but for its silence, from its files."""
        settings, entry = self.store.settings, files.named.entry
        pace = rhythm(files.moments, every=entry.every, intervals=settings.number("source.late.intervals"))
        about: dict[str, Any] = {"name": sender.name, "folder": sender.folder, "files": len(files.moments)}
        about["last"] = files.row["file"]["mtime"]
        if layout := files.row["file"].get("layout"):
            about["layout"] = layout
        if files.named.sequence is not None:
            about["sequence"] = files.named.sequence
        if pace is not None and entry.watched:
            about |= _paced(pace)
        row: dict[str, Any] = {"feed": about}
        if "service" in files.row:
            row["service"] = files.row["service"]
        old = self.store.get("cdr-source", source_id(sender))
        if old is not None and "retired" in old.source["feed"]:
            kept = old.source["feed"]
            if about["last"] <= kept["retired"]:  # nothing came since: it stays retired
                about |= {name: kept[name] for name in ("retired", "by", "why") if name in kept}
        about["state"], more = self._state(about)
        self._write(sender, {**row, "feed": {**about, **more}})

    def _gaps(self, sender: Sender, files: _Files, begin: datetime) -> None:
        grace = timedelta(seconds=self.store.settings.number("source.grace.sec"))
        overtaken = (self.now - grace).timestamp()
        wanted = found_in(sender, files.arrivals, files.named.entry, overtaken, files.row)
        known = self._known(sender, ("missing", "repeated"))
        present = {arrival.number for arrival in files.arrivals}
        self._findings(reconciled(wanted, known, present, begin, self.now))

    def silences(self) -> None:
        """States of all sources by the clock, and their silences."""
        self.store.refresh("cdr-source")
        for hit in list(self.store.scan("cdr-source")):
            source = hit["_source"]
            feed = source["feed"]
            sender = Sender(feed["folder"], feed["name"])
            state, change = self._state(feed)
            if change or feed["state"] != state:
                self._write(sender, {**source, "feed": {**feed, "state": state, **change}})
            self._findings(silence(sender, source, self._known(sender, ("silence",)), late=state == LATE, now=self.now))

    def _state(self, feed: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """What a source is at this moment; fields that change with it, where it retires by itself."""
        if "retired" in feed and feed["last"] <= feed["retired"]:
            return RETIRED, {}
        if "patience" not in feed:
            return LEARNING, {}
        silent = (self.now - parse_iso(feed["last"])).total_seconds()
        limit = self.store.settings.number("source.retire.intervals")
        if limit and silent > limit * feed["interval"]["sec"]:
            by, why = "source.retire.intervals", f"silent for more than {limit} of its intervals"
            return RETIRED, {"state": RETIRED, "retired": iso(self.now), "by": by, "why": why}
        return (LATE if silent > feed["patience"]["sec"] else ON_TIME), {}

    def _known(self, sender: Sender, kinds: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Open findings of a source, by id."""
        terms: list[dict[str, Any]] = [
            {"term": {"feed.folder": sender.folder}},
            {"term": {"feed.name": sender.name}},
            {"term": {"gap.status": "open"}},
            {"terms": {"gap.kind": list(kinds)}},
        ]
        return {hit["_id"]: hit["_source"] for hit in self.store.scan("cdr-gap", {"bool": {"filter": terms}})}

    def _findings(self, findings: Sequence[Finding]) -> None:
        for finding in findings:
            self._put("cdr-gap", finding.id, finding.document)

    def _write(self, sender: Sender, row: Mapping[str, Any]) -> None:
        self._put("cdr-source", source_id(sender), row)

    def _put(self, name: str, key: str, document: Mapping[str, Any]) -> None:
        """Writes what differs from what is stored, guarded; somebody who was faster saw the same ledger."""
        old = self.store.get(name, key)
        if old is not None and _bare(old.source) == _bare(document):
            return
        source = {**document, "event": {**document.get("event", {}), "ingested": iso(self.store.clock())}}
        text = guarded.create(concrete(name), key, source) if old is None else guarded.replace(old, source)
        self.report.changed += self.store.bulk_texts([text])[0].created


def _bare(document: Mapping[str, Any]) -> dict[str, Any]:
    event = {name: value for name, value in document.get("event", {}).items() if name != "ingested"}
    return {**document, "event": event}


def _paced(pace: Rhythm) -> dict[str, Any]:
    return {
        "interval": {"sec": pace.interval},
        "patience": {"sec": pace.patience},
        "learned": pace.learned,
    }


def _touched(store: Store, since: datetime | None) -> Iterator[str]:
    """Folders whose rows were written since the last look; all of them the first time."""
    store.refresh("cdr-file")
    sources = [{"folder": {"terms": {"field": "file.source"}}}]
    composite: dict[str, Any] = {"size": _PAGE, "sources": sources}
    body: dict[str, Any] = {"size": 0, "aggs": {"by": {"composite": composite}}}
    if since is not None:
        body["query"] = {"range": {"event.ingested": {"gte": iso(since)}}}
    while True:
        found = store.search("cdr-file", **body).get("aggregations", {}).get("by", {})
        for bucket in found.get("buckets", ()):
            yield str(bucket["key"]["folder"])
        if "after_key" not in found:
            return
        composite["after"] = found["after_key"]


def _count(store: Store, report: SourceReport) -> None:
    report.sources = store.count("cdr-source")
    report.late = store.count("cdr-source", {"term": {"feed.state": LATE}})
    report.retired = store.count("cdr-source", {"term": {"feed.state": RETIRED}})
    for kind in ("missing", "repeated"):
        filters = [{"term": {"gap.kind": kind}}, {"term": {"gap.status": "open"}}]
        setattr(report, kind, store.count("cdr-gap", {"bool": {"filter": filters}}))
