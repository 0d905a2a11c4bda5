"""Following folders: a worker's rounds until it is stopped, or until nothing is left to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from contracts.errors import ConflictError, StoreUnavailable, UserError
from contracts.indices import CDR_INDEX
from infrastructure.store import Store
from mediation.enrich.configured import layouts_in_use
from mediation.follow.folder import Folders
from mediation.follow.report import Event, FollowReport, Tell
from mediation.follow.run import Run
from mediation.follow.worker import Worker
from mediation.intake import Intake, rare_collections
from mediation.layout import Layout
from mediation.load import check_known


class Stop:
    """Set from a signal handler or another thread: the worker saves what it has and leaves.

    `sleep` is for the store: it ends a wait for an Elasticsearch that is away `grace` seconds after the worker is stopped.
    """

    def __init__(self, grace: float = 10.0) -> None:
        self._stop, self._grace, self._at = threading.Event(), grace, 0.0

    def set(self) -> None:
        if not self._stop.is_set():
            self._at = time.monotonic()
            self._stop.set()

    def is_set(self) -> bool:
        return self._stop.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits, at most until stopped; whether it is."""
        return self._stop.wait(seconds)

    def sleep(self, seconds: float) -> None:
        """Sleeps. Raises StoreUnavailable when stopped for longer than the grace."""
        if self._stop.wait(seconds):
            left = self._at + self._grace - time.monotonic()
            if left <= 0:
                raise StoreUnavailable(
                    "stopped while Elasticsearch was away",
                    remedy="nothing is lost: the next worker goes on from its checkpoints",
                )
            time.sleep(min(seconds, left))


def follow(
    store: Store,
    folders: Sequence[str | Path],
    *,
    layout: str | None = None,
    once: bool = False,
    done: str | Path | None = None,
    stop: Stop | None = None,
    tell: Tell | None = None,
    layouts: Mapping[str, Layout] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> FollowReport:
    """Ingests files of folders as they come and grow, until `stop` is set; `once`: until nothing is left to do.

    `layout`: the only one the files may have. `done`: where finished files are moved, on the same file system. `tell` hears
    of every file. Several workers, on any machines that see the folders under the same paths, may follow them at once. An
    Elasticsearch that is away is waited for without end, with `once` for es.wait.sec. Raises UserError on a bad
    argument, StoreRefused as the store does, StoreUnavailable with `once` or when stopped while Elasticsearch is away.
    """
    began = time.monotonic()
    known = layouts_in_use(store.settings, layouts)
    check_known(layout, known)
    stop = stop or Stop()
    run = Run(store, known, layout, Path(done).absolute() if done else None, tell or (lambda event: None), monotonic)
    watched = _folders(store, folders, run.done_folder)
    with rare_collections():
        while _until_away(run, watched, once, stop):
            run.say("waiting", "", "Elasticsearch is away; every file goes on from its checkpoint")
            stop.wait(run.poll_sec)
    store.refresh("cdr-file", "cdr-reject", "job", *CDR_INDEX.values())
    run.report.seconds = time.monotonic() - began
    return run.report


def _folders(store: Store, folders: Sequence[str | Path], done: Path | None) -> Folders:
    for folder in map(Path, folders):
        if not folder.is_dir():
            what = "is a file" if folder.is_file() else "there is no such folder"
            raise UserError(
                what, where=str(folder), remedy="give folders to follow; `busyhour ingest` reads single files"
            )
    if done is not None and any(done == Path(folder).absolute() for folder in folders):
        raise UserError(
            "is the followed folder itself", where=str(done), remedy="finished files need a folder of their own"
        )
    skip = [pattern.strip() for pattern in store.settings.text("follow.skip").split(",") if pattern.strip()]
    suffix = store.settings.text("follow.done.suffix")
    return Folders([Path(folder) for folder in folders], done_suffix=suffix, skip=skip, apart=done)


def _until_away(run: Run, folders: Folders, once: bool, stop: Stop) -> bool:
    """Rounds of a worker; True when it is to begin anew since the store was away, or somebody wrote what only it may write."""
    try:
        with Intake(run.store) as intake:
            worker = Worker(run, folders, intake)
            while not stop.is_set():
                if not worker.round():
                    if once and worker.nothing_left():
                        break
                    stop.wait(run.poll_sec)
            worker.leave()
    except (StoreUnavailable, ConflictError) as error:
        if once or stop.is_set():
            raise
        run.tell(Event("away", "", error.what))
        return True
    finally:
        for tail in list(run.tails.values()):
            tail.close()
        run.tails.clear()
        run.seen.clear()
    return False
