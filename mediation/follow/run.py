"""What the parts of a worker share: the files seen, those held, the store's books and checkpoints, and what is told."""

from __future__ import annotations

import os
import socket
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from secrets import token_hex

from contracts.errors import UserError
from contracts.outcomes import Counts
from infrastructure.secrets import pii_key
from infrastructure.store import Store
from mediation.follow.checkpoint import Checkpoints, Kept, Watch
from mediation.follow.folder import Stamp
from mediation.follow.ledger import Ledger
from mediation.follow.report import Event, FollowReport, Tell
from mediation.follow.tail import Tail, less
from mediation.layout import Layout
from mediation.sniff import Source
from mediation.way import Way, way_of

_MEDIATORS = 100  # layouts and orders of columns whose function is remembered


class Verdict(Enum):
    """What is known of a file in the folder."""

    NEW = "to be looked at"
    WAITING = "too short for a fingerprint, or to be read as a whole, and not finished"
    RESTING = "read to its end, given back because too many are open"
    HELD = "held by this worker"
    OTHERS = "held by another worker"
    CLOSED = "closed"
    BAD = "cannot be read"


@dataclass(slots=True)
class Seen:
    """A file as it was seen last. `since`: of its last change; `due`: when to look into it though it does not change."""

    stamp: Stamp
    done: bool
    since: float
    verdict: Verdict = Verdict.NEW
    due: float = 0.0
    grown: bool = False  # it changed while we looked
    round: int = 0
    key: str = ""  # of its checkpoint, where another worker holds it or it is closed


def worker_name() -> str:
    """Unlike any other worker's, on any machine, also after a fork or a reboot."""
    return f"{socket.gethostname()}-{os.getpid()}-{token_hex(4)}"


@dataclass(slots=True)
class Run:
    """One worker. `seen`: by path; `tails`: held files by key of their checkpoint."""

    store: Store
    layouts: Mapping[str, Layout]
    wanted: str | None
    done_folder: Path | None
    tell: Tell
    monotonic: Callable[[], float]
    name: str = field(default_factory=worker_name)
    report: FollowReport = field(default_factory=FollowReport)
    seen: dict[str, Seen] = field(default_factory=dict)
    tails: dict[str, Tail] = field(default_factory=dict)
    checkpoints: Checkpoints = field(init=False)
    ledger: Ledger = field(init=False)
    watch: Watch = field(init=False)
    limit: int = field(init=False)
    close_sec: float = field(init=False)
    lease_sec: float = field(init=False)
    poll_sec: float = field(init=False)
    most_open: int = field(init=False)
    _key: bytes = field(init=False)
    _ways: OrderedDict[tuple[str, tuple[str, ...]], Way] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        number = self.store.settings.number
        self.limit, self.most_open = number("ingest.line.bytes"), number("follow.open.files")
        self.close_sec, self.lease_sec = float(number("follow.close.sec")), float(number("follow.lease.sec"))
        self.poll_sec = number("follow.poll.ms") / 1000
        self.checkpoints, self.ledger = Checkpoints(self.store, self.name), Ledger(self.store)
        self.watch = Watch(self.lease_sec, max(2 * self.poll_sec, self.lease_sec / 4), self.monotonic)
        self._key = pii_key(self.store.settings)

    def say(self, what: str, path: str, detail: str = "", counts: Counts | None = None) -> None:
        self.tell(Event(what, path, detail, counts))

    def problem(self, path: str, error: UserError) -> None:
        """Told once until it is another one, or was solved."""
        known = self.report.problems.get(path)
        self.report.problems[path] = error
        if known is None or known.sentence() != error.sentence():
            remedy = f"; {error.remedy}" if error.remedy else ""
            self.say("problem", path, error.what + remedy)

    def way(self, source: Source) -> Way | None:
        """How lines of a file are mediated; None where it has no lines yet."""
        layout = source.layout
        if layout is None:
            return None
        place = (layout.name, source.header)
        found = self._ways.get(place)
        if found is None:
            found = self._ways[place] = way_of(layout, self._key, source.header, self.limit)
            while len(self._ways) > _MEDIATORS:
                self._ways.popitem(last=False)
        return found

    def free(self, kept: Kept) -> bool:
        """Whether a checkpoint may be taken: nobody's, left by ourselves before an outage, or of a worker that is dead."""
        owner = kept.checkpoint.owner
        return owner in ("", self.name) or self.watch.dead(kept)

    def count(self, tail: Tail) -> None:
        """What was acknowledged of a file goes to the report."""
        self.report.counts.add(less(tail.book.run, tail.told))
        tail.told.add(less(tail.book.run, tail.told))

    def drop(self, tail: Tail, verdict: Verdict) -> None:
        """Lets go of a file without writing anything."""
        self.tails.pop(tail.key, None)
        tail.close()
        seen = self.seen.get(tail.place)
        if seen is not None and seen.stamp.node == tail.stamp.node:
            seen.verdict, seen.due, seen.key = verdict, self.monotonic(), tail.key

    def lost(self, tail: Tail) -> None:
        """Another worker took the file: nothing more is written about it here."""
        self.say("lost", tail.place, "another worker has taken it over")
        self.drop(tail, Verdict.OTHERS)
