"""A worker's rounds: look at the folder, take files, read what there is, save, close what is finished.

The order of writing is what a kill at any moment rests on: documents first (`Intake.flush`), then the row of a file, then its
checkpoint. Whoever goes on from a checkpoint meets the lines behind it again, as his own: same ids, same file, same offset.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from contracts.errors import ConflictError, UserError
from mediation.collect import unreadable
from mediation.follow import claims
from mediation.follow.checkpoint import CLOSED, OPEN, Checkpoint
from mediation.follow.content import fits, open_regular
from mediation.follow.folder import Entry, Folders
from mediation.follow.run import Run, Seen, Verdict
from mediation.follow.tail import ChangedError, Tail
from mediation.follow.whole import ingest_whole
from mediation.intake import Intake
from mediation.suspense import settle_movements

_SAVE_SEC = 2.0  # what a kill makes the next worker read again, at most about this much
_BACKLOG_BYTES = 64 * 1024 * 1024
_WRITERS = 4  # rows and checkpoints under way at once
_AGAIN = (Verdict.NEW, Verdict.WAITING, Verdict.RESTING, Verdict.OTHERS, Verdict.BAD)


class Worker:
    """One worker over its folders. Every public method may raise StoreUnavailable and StoreRefused."""

    def __init__(self, run: Run, folders: Folders, intake: Intake) -> None:
        self._run, self._folders, self._intake = run, folders, intake
        self._rounds = 0
        self._looked = self._swept = float("-inf")
        self._saved = run.monotonic()
        self._orphans: dict[str, float] = {}  # open files that are nowhere: since when

    def round(self) -> bool:
        """One pass over everything; whether anything was read or taken."""
        run, now = self._run, self._run.monotonic()
        if now - self._looked >= run.poll_sec:
            self._looked = now
            self._look()
        busy = self._take()
        busy = self._read() or busy
        due = not busy or run.monotonic() - self._saved >= _SAVE_SEC
        if due:
            self._save([tail for tail in run.tails.values() if tail.dirty])
        self._renew()
        finished = [tail for tail in run.tails.values() if self._finished(tail)][: claims.GROUP]
        if due or len(finished) == claims.GROUP:
            self._close(finished)
        self._move(
            [path for path, seen in run.seen.items() if seen.verdict is Verdict.CLOSED] if run.done_folder else []
        )
        self._sweep()
        return busy or bool(finished)

    def nothing_left(self) -> bool:
        """Whether every file is closed, cannot be read, is still growing, or is another living worker's."""
        run = self._run
        for seen in run.seen.values():
            if seen.verdict in (Verdict.CLOSED, Verdict.BAD) or (seen.grown and seen.verdict is not Verdict.NEW):
                continue
            if seen.verdict is not Verdict.OTHERS or not run.watch.alive(seen.key):
                return False
        here = [run.seen.get(tail.place) for tail in run.tails.values()]
        return not self._orphans and all(seen is not None and seen.verdict is Verdict.HELD for seen in here)

    def leave(self) -> None:
        """Saves everything and gives all files back."""
        run = self._run
        self._save(list(run.tails.values()), give_back=True)
        for tail in list(run.tails.values()):
            run.drop(tail, Verdict.NEW)

    # Looking

    def _look(self) -> None:
        """Compares the folder with what was seen."""
        run, now = self._run, self._run.monotonic()
        self._rounds += 1
        unlisted: set[str] = set()

        def problem(path: str, error: UserError) -> None:
            unlisted.add(path)
            run.problem(path, error)

        held = {tail.stamp.node: tail for tail in run.tails.values()}
        for entry in self._folders.scan(problem):
            seen = self._seen(entry, now)
            tail = held.get(entry.stamp.node)
            if tail is not None:
                tail.place, tail.done = entry.path, entry.done
                seen.verdict, seen.key = Verdict.HELD, tail.key
            elif seen.verdict is Verdict.HELD:
                seen.verdict, seen.due = Verdict.NEW, now
        for path in [path for path, seen in run.seen.items() if seen.round != self._rounds]:
            run.watch.forget(run.seen.pop(path).key)
        for path in [path for path in run.report.problems if path not in run.seen and path not in unlisted]:
            del run.report.problems[path]

    def _seen(self, entry: Entry, now: float) -> Seen:
        """What is known of a file, after this look at it."""
        run = self._run
        seen = run.seen.get(entry.path)
        if seen is None or seen.stamp.node != entry.stamp.node:
            seen = run.seen[entry.path] = Seen(entry.stamp, entry.done, now)
        elif seen.stamp != entry.stamp or seen.done != entry.done:
            seen.grown = seen.grown or seen.stamp.size != entry.stamp.size
            seen.stamp, seen.done, seen.since, seen.due = entry.stamp, entry.done, now, now
            if seen.verdict in (Verdict.CLOSED, Verdict.BAD):
                seen.verdict = Verdict.NEW
        seen.round = self._rounds
        return seen

    def _take(self) -> bool:
        """Takes files that are due, as many as may be open; what is at rest makes room for them.

        Who has much to read leaves further files to others.
        """
        run, now = self._run, self._run.monotonic()
        if sum(tail.stamp.size - tail.offset for tail in run.tails.values() if not tail.at_rest) > _BACKLOG_BYTES:
            return False
        due = [path for path, seen in run.seen.items() if seen.verdict in _AGAIN and seen.due <= now]
        group = random.sample(due, min(len(due), claims.GROUP))  # workers that start together must not want the same
        room = run.most_open - len(run.tails)
        if len(group) > room:
            self._rest(len(group) - room)
            group = group[: max(0, run.most_open - len(run.tails))]
        return claims.take(run, group, self._whole) > 0 if group else False

    def _rest(self, count: int) -> None:
        """Gives back files that are read to their end, the one that rests longest first."""
        run = self._run
        quiet = sorted((tail for tail in run.tails.values() if tail.at_rest), key=lambda tail: tail.since)
        self._save(quiet[:count], give_back=True)
        for tail in quiet[:count]:
            since = tail.since
            run.drop(tail, Verdict.RESTING)
            if tail.place in run.seen:
                run.seen[tail.place].due = since + run.close_sec

    # Reading

    def _read(self) -> bool:
        """A slice of each held file."""
        run, busy = self._run, False
        for tail in list(run.tails.values()):
            try:
                tail.look(run.monotonic())
                busy = tail.read(self._intake) or busy
            except ChangedError as error:
                self._changed(tail, str(error))
            except OSError as error:
                self._unreadable(tail, error)
        return busy

    def _changed(self, tail: Tail, what: str) -> None:
        """Another content is in the file: the old one stays open until it is found elsewhere (a copy), or nowhere."""
        run = self._run
        run.say("replaced", tail.place, what)
        self._save([tail], give_back=True)
        run.drop(tail, Verdict.NEW)

    def _unreadable(self, tail: Tail, error: OSError) -> None:
        self._run.problem(tail.place, unreadable(tail.place, error))
        self._save([tail], give_back=True)
        self._run.drop(tail, Verdict.BAD)

    # Writing

    def _save(self, tails: Sequence[Tail], *, give_back: bool = False) -> None:
        """Waits until Elasticsearch has all lines; then rows and checkpoints say so."""
        if not tails:
            return
        self._intake.flush()
        self._saved = self._run.monotonic()
        done = [(tail, tail.acknowledged()) for tail in tails]
        self._write([(tail, replace(each, owner="") if give_back else each) for tail, each in done], OPEN)

    def _write(self, pairs: Sequence[tuple[Tail, Checkpoint]], state: str) -> list[Tail]:
        """Rows and checkpoints, a few files at a time; those still ours. What another worker has taken is let go."""
        run, ours = self._run, []
        for tail, _ in pairs:
            run.count(tail)
        with ThreadPoolExecutor(_WRITERS, thread_name_prefix="follow") as pool:
            written = list(pool.map(lambda pair: self._written(pair[0], pair[1], state), pairs))
        for (tail, _), still in zip(pairs, written, strict=True):
            if still:
                ours.append(tail)
            else:
                run.lost(tail)
        return ours

    def _written(self, tail: Tail, checkpoint: Checkpoint, state: str) -> bool:
        """Row, then checkpoint; False when another worker has taken the file."""
        run = self._run

        def holds() -> None:
            tail.kept = run.checkpoints.write(tail.kept, tail.kept.checkpoint)

        try:
            tail.row = run.ledger.write(tail.row, tail.book, state, holds)
            tail.kept = run.checkpoints.write(tail.kept, checkpoint)
            tail.saved = run.monotonic()
        except ConflictError:
            return False
        return True

    def _renew(self) -> None:
        """Says of held files that they still are: three times in a lease."""
        run, now = self._run, self._run.monotonic()
        due = [tail for tail in run.tails.values() if now - tail.saved >= run.lease_sec / 3]
        self._save([tail for tail in due if tail.dirty])
        rest = [tail for tail in due if tail.descriptor >= 0 and tail.saved <= now - run.lease_sec / 3]
        if rest:
            self._write([(tail, tail.kept.checkpoint) for tail in rest], OPEN)

    def _whole(self, candidates: Sequence[claims.Candidate]) -> None:
        """Packed and binary files: a long work, during which the files held are not lost."""
        ingest_whole(self._run, candidates, self._renew)

    # Closing

    def _finished(self, tail: Tail) -> bool:
        """Whether nothing more is expected: nobody wrote to it for a while, or somebody says so."""
        return tail.at_rest and (tail.done or self._run.monotonic() - tail.since >= self._run.close_sec)

    def _close(self, tails: Sequence[Tail]) -> None:
        """Takes last lines without a line feed, and closes the books.

        The checkpoint stays in front of such a line: should it grow after all, it is read again as a whole.
        """
        if not tails:
            return
        self._intake.flush()
        bases = [(tail, tail.acknowledged()) for tail in tails]
        read = [(tail, base) for tail, base in bases if self._read_rest(tail)]
        self._intake.flush()
        settle_movements(self._run.store, [tail.book for tail, _ in read])
        for tail, _ in read:
            tail.book.size = tail.stamp.size
        over = [(tail, replace(base, state=CLOSED, size=tail.stamp.size, owner="")) for tail, base in read]
        for tail in self._write(over, CLOSED):
            self._run.report.closed += 1
            self._run.say("closed", tail.place, "", tail.book.counts)
            self._run.drop(tail, Verdict.CLOSED)

    def _read_rest(self, tail: Tail) -> bool:
        before = tail.stamp
        try:
            tail.look(self._run.monotonic())
            if tail.stamp != before:
                return False  # it grows after all
            tail.read_rest(self._intake)
        except ChangedError as error:
            self._changed(tail, str(error))
        except OSError as error:
            self._unreadable(tail, error)
        else:
            return True
        return False

    def _move(self, paths: Iterable[str]) -> None:
        """Moves closed files away, if they shall be."""
        run, folder = self._run, self._run.done_folder
        if folder is None:
            return
        for path in paths:
            try:
                if Path(path).stat().st_size == run.seen[path].stamp.size:  # else it has grown since
                    run.say("moved", path, str(self._moved(Path(path), folder)))
            except FileNotFoundError:
                continue  # another worker did
            except OSError as error:
                run.problem(path, UserError(f"cannot be moved: {error.strerror}", where=path, remedy=f"check {folder}"))

    def _moved(self, path: Path, folder: Path) -> Path:
        """Where a file went: never over another one."""
        root = next(root for root in self._folders.roots if path.is_relative_to(root))
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        for number in range(1000):
            place = target.with_name(f"{target.name}.{number}") if number else target
            try:
                os.link(path, place, follow_symlinks=False)
            except FileExistsError:
                if not place.samefile(path):  # else killed between the two steps
                    continue
            path.unlink()
            return place
        raise FileExistsError(17, "a thousand files of that name are there")

    def _sweep(self) -> None:
        """Closes files that were left open and are nowhere any more."""
        run, now = self._run, self._run.monotonic()
        if now - self._swept < max(run.poll_sec, run.close_sec / 4):
            return
        self._swept = now
        orphans: dict[str, float] = {}
        found = run.checkpoints.left_open(self._folders.roots)
        others = {seen.key for seen in run.seen.values() if seen.verdict is Verdict.OTHERS}
        run.watch.keep(others | {kept.document.id for kept in found})
        for kept in found:
            if kept.document.id in run.tails or self._here(kept.checkpoint):
                continue
            if not run.free(kept):
                if not run.watch.alive(kept.document.id):
                    orphans[kept.document.id] = now
                continue
            since = orphans[kept.document.id] = self._orphans.get(kept.document.id, now)
            if now - since > 2 * run.close_sec:
                del orphans[kept.document.id]
                claims.end(run, kept)
        self._orphans = orphans

    def _here(self, checkpoint: Checkpoint) -> bool:
        """Whether a file in the folder goes on from a checkpoint."""
        alike = (path for path, seen in self._run.seen.items() if seen.stamp.inode == checkpoint.inode)
        for path in {checkpoint.place, *alike}:
            try:
                descriptor = open_regular(path)
            except OSError:
                continue
            try:
                if path in self._run.seen and fits(descriptor, checkpoint.mark):
                    return True
            finally:
                os.close(descriptor)
        return False
