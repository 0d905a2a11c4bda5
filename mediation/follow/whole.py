"""Packed and binary files: `ingest` reads them as a whole, once they are finished, and keeps their books.

Their records do not end where lines do, and what is packed cannot be read from its middle. So such a file has no progress:
a worker that dies leaves it to the next one, which reads it from its beginning, with the same books.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from contracts.errors import ConflictError
from mediation.follow import content
from mediation.follow.checkpoint import CLOSED, Kept
from mediation.follow.claims import Candidate
from mediation.follow.folder import stamp_of
from mediation.follow.run import Run, Verdict
from mediation.pipeline import ingest
from mediation.report import IngestReport


def ingest_whole(run: Run, candidates: Sequence[Candidate], renew: Callable[[], None]) -> None:
    """Ingests files whose checkpoints are ours. `renew`: called now and then, for the other files that this worker holds."""
    kept = {each.path: each.kept for each in candidates if each.kept is not None}
    renewed = run.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal renewed
        if run.monotonic() - renewed >= run.lease_sec / 4:
            renewed = run.monotonic()
            for path, each in kept.items():
                kept[path] = run.checkpoints.write(each, each.checkpoint)
            renew()

    try:
        report = ingest(run.store, list(kept), layout=run.wanted, layouts=run.layouts, progress=progress, visible=False)
    except ConflictError as error:
        run.say("lost", candidates[0].path, f"another worker has taken it, or one ingested with it, over: {error.what}")
        return
    run.report.counts.add(report.counts)
    for candidate in candidates:
        _over(run, candidate, kept[candidate.path], report)


def _over(run: Run, candidate: Candidate, kept: Kept, report: IngestReport) -> None:
    """Closes the checkpoint of a file that was read to its end and is still what it was."""
    path, seen = candidate.path, candidate.seen
    checkpoint = replace(kept.checkpoint, owner="")
    inside = Path(path)
    errors = [error for error in report.errors if inside in (Path(error.where), *Path(error.where).parents)]
    try:
        unchanged = stamp_of(inside.stat()) == candidate.stamp
    except OSError:
        unchanged = False
    if unchanged and not errors:
        size = candidate.stamp.size
        tail = content.tail(candidate.descriptor, size)
        checkpoint = replace(checkpoint, state=CLOSED, size=size, offset=size, tail=tail)
    try:
        run.checkpoints.write(kept, checkpoint)
    except ConflictError:
        return
    seen.key = kept.document.id
    if errors:
        # Nothing about it changes by itself: it is tried again when the file is another one.
        seen.verdict, seen.due = Verdict.BAD, math.inf
        run.problem(path, errors[0])
    elif unchanged:
        seen.verdict = Verdict.CLOSED
        run.report.closed += 1
        for each in report.files:
            if inside in (each.path, *each.path.parents):
                run.say("closed", str(each.path), "read as a whole", each.run)
