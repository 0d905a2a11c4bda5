"""Silences, missing and repeated numbers as documents of `cdr-gap`. Pure: known findings and what is seen now → what to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from contracts.clock import iso, parse_iso
from contracts.ids import joined
from contracts.sentences import sentence
from mediation.sources.rhythm import in_words
from mediation.sources.sequence import Arrival, Missing, Repeated, findings
from mediation.sources.table import Entry, Sender

MAJOR, MINOR = 2, 3  # X.733
_NAMED = 10  # files that a finding names


class Finding(NamedTuple):
    """A document of `cdr-gap` and its id."""

    id: str
    document: dict[str, Any]


def found_in(
    sender: Sender, arrivals: Sequence[Arrival], entry: Entry, overtaken_by: float, row: Mapping[str, Any]
) -> list[Finding]:
    """Findings about the numbers of a source's files. A file delivered again with the same content harms nobody: no finding."""
    missing, repeated = findings(arrivals, first=entry.first, cycle=entry.cycle, overtaken_by=overtaken_by)
    service = {"service": row["service"]} if "service" in row else {}
    found = [_missing(sender, gap, service) for gap in missing]
    return found + [_repeated(sender, repeat, service) for repeat in repeated if not repeat.same]


def _missing(sender: Sender, gap: Missing, service: dict[str, Any]) -> Finding:
    numbers = str(gap.first) if gap.files == 1 else f"{gap.first} to {gap.last}"
    count = "1 file" if gap.files == 1 else f"{gap.files} files"
    reason = sentence(
        "source %(name)s lacks %(count)s: number %(numbers)s, between %(before)s and %(after)s",
        name=sender.name,
        count=count,
        numbers=numbers,
        before=_name(gap.before),
        after=_name(gap.after),
    )
    body = {"first": gap.first, "last": gap.last, "count": gap.files, "files": [gap.before.path, gap.after.path]}
    key = joined((*sender, "missing", gap.first, gap.before.path))
    return _finding(key, sender, "missing", MAJOR, gap.after.moment, reason, body, service)


def _repeated(sender: Sender, repeat: Repeated, service: dict[str, Any]) -> Finding:
    names = " and ".join(_name(file) for file in repeat.files[:3])
    reason = sentence(
        "source %(name)s gave number %(number)s to different files: %(files)s",
        name=sender.name,
        number=repeat.number,
        files=names,
    )
    files = [file.path for file in repeat.files[:_NAMED]]
    body = {"first": repeat.number, "last": repeat.number, "count": len(repeat.files), "files": files}
    key = joined((*sender, "repeated", repeat.number, repeat.files[0].path))
    return _finding(key, sender, "repeated", MINOR, repeat.files[-1].moment, reason, body, service)


def _finding(
    key: str,
    sender: Sender,
    kind: str,
    severity: int,
    start: float,
    reason: str,
    body: Mapping[str, Any],
    service: Mapping[str, Any],
) -> Finding:
    begun = iso(datetime.fromtimestamp(start, UTC))
    document = {
        "@timestamp": begun,
        "event": {"start": begun, "severity": severity},
        "feed": {"name": sender.name, "folder": sender.folder},
        "gap": {"kind": kind, "status": "open", "reason": reason, **body},
        **service,
    }
    return Finding(key, document)


def _name(file: Arrival) -> str:
    return file.path.rpartition("/")[2]


def reconciled(
    wanted: Iterable[Finding],
    known: Mapping[str, Mapping[str, Any]],
    present: set[int],
    begin: datetime,
    now: datetime,
) -> list[Finding]:
    """What to write: findings as seen now, first known when they were first seen; and the end of those that are over.

    A gap is closed when one of its numbers is there (the rest of it, if any, is seen as a finding of its own), and expires when
    it leaves the window that begins at `begin`: then nobody waits for it any more. A repeated number only expires.
    """
    seen = {finding.id: finding.document for finding in wanted}
    result = []
    for key, document in seen.items():
        detected = known[key]["gap"]["detected"] if key in known else iso(now)
        result.append(Finding(key, {**document, "gap": {**document["gap"], "detected": detected}}))
    for key, source in known.items():
        if key in seen:
            continue
        gap = source["gap"]
        filled = gap["kind"] == "missing" and any(_within(number, gap) for number in present)
        if filled or parse_iso(source["event"]["start"]) < begin:
            result.append(_over(key, source, "closed" if filled else "expired", now))
        elif gap["kind"] == "missing":
            result.append(_over(key, source, "expired", now))  # its left neighbour left the window
        else:
            result.append(_over(key, source, "closed", now))
    return result


def _within(number: int, gap: Mapping[str, Any]) -> bool:
    if gap["first"] <= gap["last"]:
        return bool(gap["first"] <= number <= gap["last"])
    return bool(number >= gap["first"] or number <= gap["last"])


def _over(key: str, source: Mapping[str, Any], status: str, now: datetime) -> Finding:
    event, gap = {**source["event"], "end": iso(now)}, {**source["gap"], "status": status}
    return Finding(key, {**source, "event": event, "gap": gap})


def silence(
    sender: Sender, source: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], *, late: bool, now: datetime
) -> list[Finding]:
    """The silence of a source as seen at `now`: it begins when a file was due, and ends with the next file, or by retiring."""
    feed = source["feed"]
    last = parse_iso(feed["last"])
    key = joined((*sender, "silence", feed["last"]))
    result = []
    if late:
        result.append(_silent(key, sender, source, known.get(key), last, now))
    for old, document in known.items():
        if old == key and late:
            continue
        came = last if last > parse_iso(document["event"]["start"]) else now
        result.append(_over(old, document, "closed" if came is last else "expired", came))
    return result


def _silent(
    key: str,
    sender: Sender,
    source: Mapping[str, Any],
    known: Mapping[str, Any] | None,
    last: datetime,
    now: datetime,
) -> Finding:
    feed = source["feed"]
    interval = float(feed["interval"]["sec"])
    reason = sentence(
        "source %(name)s sends every %(interval)s, silent for %(silent)s",
        name=sender.name,
        interval=in_words(interval),
        silent=in_words((now - last).total_seconds()),
    )
    service = {"service": source["service"]} if "service" in source else {}
    due = last.timestamp() + interval
    count = int((now - last).total_seconds() // interval)
    found = _finding(key, sender, "silence", MAJOR, due, reason, {"count": count}, service)
    detected = known["gap"]["detected"] if known else iso(now)
    return Finding(key, {**found.document, "gap": {**found.document["gap"], "detected": detected}})
