"""Taking files: which of those seen is new, which goes on under another name, and whose they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.errors import ConflictError, UserError
from infrastructure.store import Versioned
from mediation.books import Book
from mediation.collect import unreadable
from mediation.containers import kind_of
from mediation.follow import content
from mediation.follow.checkpoint import CLOSED, OPEN, Checkpoint, Kept, key_of
from mediation.follow.folder import Stamp, stamp_of
from mediation.follow.run import Run, Seen, Verdict
from mediation.follow.tail import Tail, copied
from mediation.layout import Layout
from mediation.sniff import FINGERPRINT_BYTES, Source, inspect

GROUP = 100  # files looked into, claimed and closed together
_AGAIN_SEC = 30.0  # a file that cannot be read is tried again, though nothing about it changed


@dataclass(slots=True)
class Candidate:
    """A file that may be taken. `kept`: the checkpoint it goes on from; `fresh`: the one to write."""

    path: str
    seen: Seen
    descriptor: int
    stamp: Stamp
    finished: bool
    fingerprint: str
    head_bytes: int
    packed: bool = False
    kept: Kept | None = None
    fresh: Checkpoint | None = None
    source: Source | None = None  # None: packed

    @property
    def key(self) -> str:
        return key_of(self.path, self.fingerprint)

    @property
    def whole(self) -> bool:
        """Packed or binary: read as one, by `ingest`."""
        return self.kept is not None and self.kept.checkpoint.whole

    def new(self, generation: int = 1) -> Checkpoint:
        """A checkpoint at the file's beginning."""
        return Checkpoint(
            path=self.path,
            place=self.path,
            fingerprint=self.fingerprint,
            head_bytes=self.head_bytes,
            inode=self.stamp.inode,
            tail=content.tail(self.descriptor, 0),
            generation=generation,
        )


def take(run: Run, paths: Sequence[str], as_one: Callable[[Sequence[Candidate]], None]) -> int:
    """Looks into files (`GROUP` at most), takes those that are free and have something to read; returns how many.

    Those that are read as a whole go to `as_one`, their checkpoints being ours.
    """
    candidates = [candidate for path in paths if (candidate := _opened(run, path)) is not None]
    taken: list[Candidate] = []
    try:
        _decide(run, candidates)
        wanted = [candidate for candidate in candidates if candidate.fresh is not None and _recognised(run, candidate)]
        taken = _claim(run, wanted)
        _hold(run, [candidate for candidate in taken if not candidate.whole])
        if wholes := [candidate for candidate in taken if candidate.whole]:
            as_one(wholes)
    finally:
        held = {tail.descriptor for tail in run.tails.values()}
        for candidate in candidates:
            if candidate.descriptor not in held:
                with suppress(OSError):
                    os.close(candidate.descriptor)
    return len(taken)


def _opened(run: Run, path: str) -> Candidate | None:
    """A file with its fingerprint, once it has one: 1,024 bytes and a whole line, or it is finished."""
    seen, now = run.seen[path], run.monotonic()
    seen.due = now + run.poll_sec  # unless something else is found out: files that wait must not keep others out
    try:
        descriptor = content.open_regular(path)
    except FileNotFoundError:
        return None  # gone since it was listed
    except OSError as error:
        seen.verdict, seen.due = Verdict.BAD, now + _AGAIN_SEC
        run.problem(path, unreadable(path, error))
        return None
    stamp = stamp_of(os.fstat(descriptor))
    finished = seen.done or (stamp == seen.stamp and now - seen.since >= run.close_sec)
    try:
        whole_line = stamp.size >= FINGERPRINT_BYTES and content.end_of_lines(descriptor, 0, stamp.size) is not None
        if stamp.node == seen.stamp.node and (finished or whole_line):
            found, length = content.fingerprint(descriptor)
            packed = bool(kind_of(content.read_at(descriptor, 0, 8)))
            if finished or not packed:
                return Candidate(path, seen, descriptor, stamp, finished, found, length, packed)
        seen.verdict, seen.due = Verdict.WAITING, seen.since + run.close_sec
    except OSError as error:
        seen.verdict, seen.due = Verdict.BAD, now + _AGAIN_SEC
        run.problem(path, unreadable(path, error))
    os.close(descriptor)
    return None


def _decide(run: Run, candidates: Sequence[Candidate]) -> None:
    """Finds each file's checkpoint, and sets `fresh` where it is to be taken."""
    known = run.checkpoints.find([candidate.key for candidate in candidates]) if candidates else {}
    unknown = [candidate for candidate in candidates if candidate.key not in known]
    maybe = (
        run.checkpoints.renamed((each.path, each.fingerprint, each.stamp.inode) for each in unknown) if unknown else []
    )
    used: set[str] = set()
    for candidate in candidates:
        try:
            _decide_one(run, candidate, known.get(candidate.key), maybe)
        except OSError as error:
            _bad(run, candidate, unreadable(candidate.path, error))
            candidate.fresh = None
        if candidate.fresh is not None and candidate.fresh.key in used | run.tails.keys():
            candidate.fresh = None  # two names of one file: in the next round one of them is held
        elif candidate.fresh is not None:
            used.add(candidate.fresh.key)


def _decide_one(run: Run, candidate: Candidate, kept: Kept | None, maybe: Sequence[Kept]) -> None:
    """`kept`: the checkpoint of that name and fingerprint. `maybe`: those of other names."""
    if kept is not None and not content.fits(candidate.descriptor, kept.checkpoint.mark):
        _replaced(run, candidate, kept)
    elif kept is not None or (kept := _moved(run, candidate, maybe)) is not None:
        _goes_on(run, candidate, kept)
    elif _begins_alike(candidate, maybe):
        _wait(run, candidate)
    else:
        candidate.fresh = candidate.new()


def _moved(run: Run, candidate: Candidate, maybe: Sequence[Kept]) -> Kept | None:
    """The checkpoint of a file that is the candidate under an earlier name, or when it was shorter.

    What was read of it must be in the candidate, and no longer where it was: else the candidate is a second file.
    """
    for kept in maybe:
        checkpoint = kept.checkpoint
        if not _may_have_moved(run, candidate, kept) or not content.fits(candidate.descriptor, checkpoint.mark):
            continue
        if checkpoint.place == candidate.path or not _still_at(checkpoint):
            return kept
    return None


def _may_have_moved(run: Run, candidate: Candidate, kept: Kept) -> bool:
    """Whether a checkpoint may be the candidate's, as far as names and numbers tell.

    A file that was closed and has another number now is taken for a second delivery, unless the first one was truncated.
    """
    checkpoint, there = kept.checkpoint, run.seen.get(kept.checkpoint.place)
    if checkpoint.place == candidate.path or checkpoint.inode == candidate.stamp.inode or checkpoint.state == OPEN:
        return True
    untouched = there is not None and there.verdict is Verdict.CLOSED and there.key == kept.document.id
    return there is not None and there.stamp.inode == checkpoint.inode and not untouched


def _begins_alike(candidate: Candidate, maybe: Sequence[Kept]) -> bool:
    """A file that begins like another one which is still being read may be a copy of it in the making (copytruncate)."""
    return not candidate.finished and any(
        kept.checkpoint.state == OPEN and kept.checkpoint.fingerprint == candidate.fingerprint for kept in maybe
    )


def _still_at(checkpoint: Checkpoint) -> bool:
    """Whether the file is where it was last seen."""
    try:
        descriptor = content.open_regular(checkpoint.place)
    except OSError:
        return False
    try:
        return content.fits(descriptor, checkpoint.mark)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _goes_on(run: Run, candidate: Candidate, kept: Kept) -> None:
    """The same file as before: nothing to do, another worker's, or to be taken from where it was left."""
    checkpoint, seen = kept.checkpoint, candidate.seen
    if checkpoint.state == CLOSED and checkpoint.size == candidate.stamp.size:
        seen.verdict, seen.key = Verdict.CLOSED, kept.document.id
        run.report.problems.pop(candidate.path, None)
    elif kept.document.id in run.tails:
        return  # our own hold on what was here before is about to end
    elif checkpoint.state == CLOSED or run.free(kept):
        candidate.kept = kept
        candidate.fresh = replace(
            checkpoint, state=OPEN, place=candidate.path, inode=candidate.stamp.inode, counts=copied(checkpoint.counts)
        )
    else:
        _leave(run, seen, kept)


def _replaced(run: Run, candidate: Candidate, kept: Kept) -> None:
    """Another file with the name and the first bytes of one that was read: its books are its own."""
    if kept.document.id in run.tails:
        return
    if kept.checkpoint.state == CLOSED or run.free(kept):
        candidate.kept = kept
        candidate.fresh = candidate.new(kept.checkpoint.generation + 1)
    else:
        _leave(run, candidate.seen, kept)


def _leave(run: Run, seen: Seen, kept: Kept) -> None:
    seen.verdict, seen.key = Verdict.OTHERS, kept.document.id
    seen.due = run.monotonic() + run.lease_sec / 10
    run.report.problems.pop(kept.checkpoint.place, None)


def _wait(run: Run, candidate: Candidate) -> None:
    candidate.seen.verdict, candidate.seen.due = Verdict.WAITING, candidate.seen.since + run.close_sec


def _recognised(run: Run, candidate: Candidate) -> bool:
    """Finds the layout; False when there is none, or when the file has to be finished first."""
    seen, fresh = candidate.seen, candidate.fresh
    assert fresh is not None  # noqa: S101  # asked of no other
    if candidate.packed:
        candidate.fresh = replace(candidate.new(fresh.generation), path=fresh.path, whole=True)
        return True
    wanted = fresh.layout if fresh.layout in run.layouts else run.wanted
    try:
        source = inspect(Path(candidate.path), run.layouts, wanted)
        if stamp_of(Path(candidate.path).stat()).node != candidate.stamp.node:
            return False  # another file by now
    except FileNotFoundError:
        return False
    except OSError as error:
        return _bad(run, candidate, unreadable(candidate.path, error))
    except UserError as error:
        return _bad(run, candidate, error)
    as_one = source.layout is not None and not _by_lines(source.layout)
    if (source.layout is None or as_one) and not candidate.finished:
        seen.verdict, seen.due = Verdict.WAITING, seen.since + run.close_sec
        return False
    run.report.problems.pop(candidate.path, None)
    candidate.source = replace(source, path=Path(fresh.path), fingerprint=fresh.booked)
    if as_one:
        candidate.fresh = replace(candidate.new(fresh.generation), path=fresh.path, whole=True)
    if source.layout is not None:
        candidate.fresh = replace(candidate.fresh or fresh, layout=source.layout.name)
    return True


def _by_lines(layout: Layout) -> bool:
    """Whether records end where lines of bytes do: other files are read when they are finished, from their beginning."""
    return (
        layout.encoding == "utf-8"
        and not layout.binary
        and not (layout.format.kind == "json" and layout.format.whole_file)
    )


def _bad(run: Run, candidate: Candidate, error: UserError) -> bool:
    candidate.seen.verdict, candidate.seen.due = Verdict.BAD, run.monotonic() + _AGAIN_SEC
    run.problem(candidate.path, error)
    return False


def _claim(run: Run, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that are ours now."""
    fresh = [candidate.fresh for candidate in candidates if candidate.kept is None and candidate.fresh is not None]
    created = run.checkpoints.create(fresh) if fresh else {}
    mine = []
    for candidate in candidates:
        if candidate.kept is None:
            candidate.kept = created.get(candidate.key)
        elif candidate.fresh is not None:
            candidate.kept = _taken(run, candidate.kept, candidate.fresh)
        if candidate.kept is not None:
            mine.append(candidate)
    return mine


def _taken(run: Run, kept: Kept, fresh: Checkpoint) -> Kept | None:
    run.watch.forget(kept.document.id)
    if fresh.generation != kept.checkpoint.generation and kept.checkpoint.state == OPEN:
        ours = end(run, kept)
        return run.checkpoints.claim(ours, fresh) if ours is not None else None
    return run.checkpoints.claim(kept, fresh)


def end(run: Run, kept: Kept) -> Kept | None:
    """Closes the books of a file that is gone, as far as it was read; None when another worker was faster."""
    ours = run.checkpoints.claim(kept, kept.checkpoint)
    if ours is None:
        return None
    checkpoint = ours.checkpoint
    over = replace(checkpoint, state=CLOSED, size=checkpoint.offset, owner="")
    if checkpoint.whole:
        run.say("gone", checkpoint.path, "it was not read as a whole")
        return _written(run, ours, over)
    source = Source(Path(checkpoint.path), checkpoint.offset, checkpoint.booked, run.layouts.get(checkpoint.layout))
    book = book_of(source, checkpoint)
    holder = Holder(run, ours)
    try:
        (row,) = run.ledger.open([book])
        run.ledger.write(row, book, CLOSED, holder.holds)
    except ConflictError:
        return None
    run.report.closed += 1
    run.say("gone", checkpoint.path, "closed as far as it was read", book.counts)
    return _written(run, holder.kept, over)


@dataclass(slots=True)
class Holder:
    """A checkpoint that is ours, as long as `holds` does not raise ConflictError."""

    run: Run
    kept: Kept

    def holds(self) -> None:
        self.kept = self.run.checkpoints.write(self.kept, self.kept.checkpoint)


def _written(run: Run, kept: Kept, checkpoint: Checkpoint) -> Kept | None:
    try:
        return run.checkpoints.write(kept, checkpoint)
    except ConflictError:
        return None


def book_of(source: Source, checkpoint: Checkpoint) -> Book:
    """Books that go on from a checkpoint."""
    book = Book(source, copied(checkpoint.counts), copied(checkpoint.counts), checkpoint.offset)
    book.first, book.last = checkpoint.first, checkpoint.last
    return book


def _hold(run: Run, candidates: Sequence[Candidate]) -> None:
    books = [book_of(each.source, each.kept.checkpoint) for each in candidates if each.source and each.kept]
    rows = run.ledger.open(books) if books else []
    for candidate, book, row in zip(candidates, books, rows, strict=True):
        _tail(run, candidate, book, row)


def _tail(run: Run, candidate: Candidate, book: Book, row: Versioned) -> None:
    kept, seen, now = candidate.kept, candidate.seen, run.monotonic()
    assert kept is not None  # noqa: S101  # it was claimed
    run.tails[kept.document.id] = Tail(
        descriptor=candidate.descriptor,
        place=candidate.path,
        kept=kept,
        row=row,
        book=book,
        way=run.way(book.source),
        stamp=candidate.stamp,
        since=seen.since if candidate.stamp == seen.stamp else now,
        saved=now,
        done=seen.done,
        told=copied(kept.checkpoint.counts),
    )
    seen.verdict, seen.key = Verdict.HELD, kept.document.id
    checkpoint = kept.checkpoint
    moved = f"known as {checkpoint.path}" if checkpoint.path != candidate.path else ""
    if checkpoint.offset:
        run.say("resumed", candidate.path, f"from byte {checkpoint.offset:,}" + (f", {moved}" if moved else ""))
    else:
        run.say("opened", candidate.path, moved)
