"""Looking at a followed folder: which regular files are below it now, by polling.

Polling and not inotify: it sees what another machine wrote to a share (NFS, SFTP drops), needs no watch per folder, loses no
event when a queue overflows, and is needed anyway to notice that a file has stopped growing. 10,000 files are one `stat` each.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from contracts.errors import UserError
from mediation.collect import is_taken, unreadable

Problem = Callable[[str, UserError], None]  # path, what is wrong with it


class Stamp(NamedTuple):
    """What tells that a file has changed. Times in ns are compared with each other only, never with a clock."""

    device: int
    inode: int
    size: int
    mtime: int
    ctime: int

    @property
    def node(self) -> tuple[int, int]:
        """Device and inode: the same file while somebody holds it open."""
        return self.device, self.inode


class Entry(NamedTuple):
    """A regular file as it was seen; `done`: somebody says that it is finished."""

    path: str
    stamp: Stamp
    done: bool


def stamp_of(status: os.stat_result) -> Stamp:
    return Stamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Folders:
    """The followed folders. Links are not followed, so that no loop can be walked and no file is met twice."""

    def __init__(
        self, roots: Sequence[Path], *, done_suffix: str = "", skip: Sequence[str] = (), apart: Path | None = None
    ) -> None:
        """`skip`: patterns of file names left out. `apart`: a folder left out (where finished files go)."""
        self.roots = [os.path.abspath(root) for root in roots]  # noqa: PTH100  as `ingest` writes paths
        self._suffix, self._skip = done_suffix, tuple(skip)
        self._apart = os.path.abspath(apart) if apart else ""  # noqa: PTH100

    def scan(self, problem: Problem) -> Iterator[Entry]:
        """Every file once, folder by folder. What cannot be listed is told to `problem` and left out."""
        walked: set[tuple[int, int]] = set()
        rest = list(reversed(self.roots))
        while rest:
            folder = rest.pop()
            try:
                status = Path(folder).stat()
                if (status.st_dev, status.st_ino) in walked:
                    continue
                walked.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except FileNotFoundError as error:
                if folder in self.roots:
                    problem(folder, unreadable(folder, error))
                continue
            except OSError as error:
                problem(folder, unreadable(folder, error))
                continue
            rest += [path for entry in reversed(entries) if (path := self._below(entry))]
            yield from self._files(entries, problem)

    def _below(self, entry: os.DirEntry[str]) -> str | None:
        if entry.name.startswith(".") or entry.path == self._apart or not entry.is_dir(follow_symlinks=False):
            return None
        return entry.path

    def _files(self, entries: Sequence[os.DirEntry[str]], problem: Problem) -> Iterator[Entry]:
        found: list[tuple[str, Stamp]] = []
        markers: set[str] = set()
        for entry in entries:
            if not is_taken(entry.name) or any(fnmatchcase(entry.name, pattern) for pattern in self._skip):
                continue
            try:
                if not entry.is_file(follow_symlinks=False):
                    continue
                stamp = stamp_of(entry.stat(follow_symlinks=False))
            except FileNotFoundError:
                continue  # gone since it was listed
            except OSError as error:
                problem(entry.path, unreadable(entry.path, error))
                continue
            if self._says_done(entry.name) and stamp.size == 0:
                markers.add(entry.path)
            elif not _is_text(entry.path):
                problem(entry.path, UserError("its name is not UTF-8", where=repr(entry.path), remedy="rename it"))
            else:
                found.append((entry.path, stamp))
        for path, stamp in found:
            yield Entry(path, stamp, self._says_done(path) or path + self._suffix in markers)

    def _says_done(self, name: str) -> bool:
        return bool(self._suffix) and name.endswith(self._suffix)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
