"""Checkpoints of followed files in the index `job`: how far a file was read and acknowledged, and which worker holds it.

A file is known by its path and its fingerprint, as in the books. A worker claims a checkpoint by `create`, or by replacing it
under the guard of `if_seq_no`; every later write of the holder is guarded too, so that who lost the lease finds out before
it can write anything about the file. Whether a holder is dead is not told by anybody's clock but by watching: see `Watch`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import orjson

from contracts.clock import iso
from contracts.errors import ConflictError
from contracts.ids import joined
from contracts.indices import concrete
from contracts.outcomes import Counts
from infrastructure.store import Operation, Store, Versioned
from mediation.follow.content import Mark
from mediation.sniff import FINGERPRINT_BYTES

JOB = "follow"
OPEN, CLOSED = "open", "closed"
_CANDIDATES = 1000


def key_of(path: str, fingerprint: str) -> str:
    """Id of the checkpoint of a file."""
    return joined((JOB, path, fingerprint))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a file was read and acknowledged.

    `path`: under which its lines are booked; `place`: where it was last. `offset`, `counts`, `first`, `last`: of the whole lines
    that are acknowledged; `number`: of the next one. `size`: bytes that a closed file had, unfinished last line included.
    `generation`: above 1 where another file of the same name began with the same 1,024 bytes.
    `whole`: a packed or binary file, which `ingest` reads as one and keeps the books of.
    """

    path: str
    place: str
    fingerprint: str
    head_bytes: int
    inode: int
    tail: str
    layout: str = ""
    generation: int = 1
    state: str = OPEN
    owner: str = ""
    offset: int = 0
    number: int = 1
    size: int = 0
    counts: Counts = field(default_factory=Counts)
    first: str = ""
    last: str = ""
    whole: bool = False

    @property
    def key(self) -> str:
        return key_of(self.path, self.fingerprint)

    @property
    def booked(self) -> str:
        """Fingerprint under which its lines are booked."""
        return self.fingerprint if self.generation == 1 else f"{self.fingerprint}-{self.generation}"

    @property
    def mark(self) -> Mark:
        return Mark(self.fingerprint, self.head_bytes, self.offset, self.tail)

    @property
    def short(self) -> bool:
        """Its fingerprint is of less than 1,024 bytes: it was finished before it had more."""
        return self.head_bytes < FINGERPRINT_BYTES

    def document(self, now: str) -> dict[str, Any]:
        """As it is stored."""
        follow: dict[str, Any] = {"state": self.state, "inode": str(self.inode), "offset": self.offset}
        follow["head"] = {"bytes": self.head_bytes}
        if self.owner:
            follow["owner"] = self.owner
        kept = ("place", "tail", "layout", "generation", "number", "size", "first", "last", "whole")
        detail = {name: getattr(self, name) for name in kept} | {"counts": asdict(self.counts)}
        return {
            "event": {"ingested": now},
            "job": {"name": JOB, "detail": orjson.dumps(detail).decode()},
            "log": {"file": {"path": self.path, "fingerprint": self.fingerprint}},
            "follow": follow,
        }


def read(source: dict[str, Any]) -> Checkpoint:
    """The reverse of `Checkpoint.document`."""
    follow, file, detail = source["follow"], source["log"]["file"], orjson.loads(source["job"]["detail"])
    detail["counts"] = Counts(**detail["counts"])
    return Checkpoint(
        path=file["path"],
        fingerprint=file["fingerprint"],
        head_bytes=follow["head"]["bytes"],
        inode=int(follow["inode"]),
        state=follow["state"],
        owner=follow.get("owner", ""),
        offset=follow["offset"],
        **detail,
    )


class Kept(NamedTuple):
    """A checkpoint as it is in the store, and what guards its change."""

    checkpoint: Checkpoint
    document: Versioned


class Checkpoints:
    """Checkpoints in the store, for one worker called `owner`."""

    def __init__(self, store: Store, owner: str) -> None:
        self.store, self.owner = store, owner

    def _now(self) -> str:
        return iso(self.store.clock())

    def find(self, keys: Sequence[str]) -> dict[str, Kept]:
        """By id, as they are this very moment."""
        rows = self.store.read_back([(concrete("job"), key) for key in keys])
        return {row.id: Kept(read(row.source), row) for row in rows if row is not None}

    def create(self, checkpoints: Sequence[Checkpoint]) -> dict[str, Kept]:
        """Claims files nobody knows; those that are ours now. Another worker may have been faster."""
        now, index = self._now(), concrete("job")
        mine = [replace(checkpoint, owner=self.owner) for checkpoint in checkpoints]
        self.store.write_all(Operation("create", index, each.key, each.document(now)) for each in mine)
        found = self.find([checkpoint.key for checkpoint in mine])
        return {key: kept for key, kept in found.items() if kept.checkpoint.owner == self.owner}

    def write(self, kept: Kept, checkpoint: Checkpoint) -> Kept:
        """Replaces what was read. Raises ConflictError when another worker did so first: the lease is lost."""
        return Kept(checkpoint, self.store.replace(kept.document, checkpoint.document(self._now())))

    def claim(self, kept: Kept, checkpoint: Checkpoint) -> Kept | None:
        """Takes a checkpoint that is nobody's; None when another worker was faster."""
        try:
            return self.write(kept, replace(checkpoint, owner=self.owner))
        except ConflictError:
            return None

    def renamed(self, files: Iterable[tuple[str, str, int]]) -> list[Kept]:
        """Checkpoints that files (path, fingerprint, inode) unknown by id may go on from: renamed, copied away or grown."""
        paths, fingerprints, inodes = (sorted({str(value) for value in row}) for row in zip(*files, strict=True))
        same, inode = {"terms": {"log.file.fingerprint": fingerprints}}, {"terms": {"follow.inode": inodes}}
        short = {"range": {"follow.head.bytes": {"lt": FINGERPRINT_BYTES}}}
        either = [
            same,
            _all(short, {"bool": {"should": [{"terms": {"log.file.path": paths}}, inode]}}),
        ]
        query = {"bool": {"filter": [_NAME], "should": either, "minimum_should_match": 1}}
        return self._search(query, {"follow.state": "desc"}, {"event.ingested": "desc"})  # open ones first

    def left_open(self, roots: Sequence[str]) -> list[Kept]:
        """Open checkpoints of files below these folders."""
        below = [{"prefix": {"log.file.path": root.rstrip("/") + "/"}} for root in roots]
        query = {"filter": [_NAME, {"term": {"follow.state": OPEN}}], "should": below, "minimum_should_match": 1}
        return self._search(
            {"bool": query}, {"event.ingested": "asc"}
        )  # holders renew theirs: what was left behind comes first

    def _search(self, query: dict[str, Any], *sort: dict[str, str]) -> list[Kept]:
        self.store.refresh("job")
        found = self.store.search("job", query=query, size=_CANDIDATES, sort=list(sort), seq_no_primary_term=True)
        hits = found["hits"]["hits"]
        return [Kept(read(hit["_source"]), _versioned(hit)) for hit in hits]


_NAME = {"term": {"job.name": JOB}}


def _all(*clauses: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"filter": list(clauses)}}


def _versioned(hit: dict[str, Any]) -> Versioned:
    return Versioned(hit["_id"], hit["_index"], hit["_source"], hit["_seq_no"], hit["_primary_term"])


class Watch:
    """Tells dead holders from living ones without comparing clocks.

    A holder writes each checkpoint it holds at least three times in `lease` seconds. One that did not change over `lease` seconds
    of our own monotonic clock, spent looking at it, has no holder any more; time in which nobody could write is not counted.
    """

    def __init__(self, lease: float, longest: float, monotonic: Callable[[], float]) -> None:
        """`longest`: seconds between two looks that count as watching."""
        self._lease, self._longest, self._monotonic = lease, longest, monotonic
        self._seen: dict[str, tuple[int, float, float]] = {}  # seq_no, when looked at last, seconds watched
        self._alive: set[str] = set()

    def dead(self, kept: Kept) -> bool:
        """Looks at a checkpoint that another worker holds."""
        now, key = self._monotonic(), kept.document.id
        version = kept.document.seq_no
        seen, at, watched = self._seen.get(key, (version, now, 0.0))
        if seen != version:
            self._alive.add(key)
            watched = 0.0
        else:
            watched += min(now - at, self._longest)
        self._seen[key] = version, now, watched
        return watched >= self._lease

    def alive(self, key: str) -> bool:
        """Whether it was seen to change while we watched."""
        return key in self._alive

    def keep(self, keys: set[str]) -> None:
        """Forgets all others, so that memory does not grow with the files that ever were."""
        self._seen = {key: seen for key, seen in self._seen.items() if key in keys}
        self._alive &= keys

    def forget(self, key: str) -> None:
        """It is no other worker's any more."""
        self._seen.pop(key, None)
        self._alive.discard(key)
