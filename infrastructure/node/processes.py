"""Processes and the locks they hold: is the node that was written down still that process?"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

_PROC = Path("/proc")
_PS_TIMEOUT_SEC = 10
UNKNOWN_HOLDER = 0


def birth_mark(pid: int) -> str | None:
    """When process `pid` began, in words that no other process of this machine shares; None when it does not run.

    Pids are used again after a while and after each boot: pid and birth mark together name one process for good.
    A process that ended but was not collected by its parent (a zombie) does not run.
    """
    if (_PROC / "self" / "stat").exists():
        return _birth_mark_proc(pid)
    return _birth_mark_ps(pid)


def collect(pid: int) -> None:
    """Lets go of an ended child, which would stay a zombie; nothing happens to a pid that is not our child."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _birth_mark_proc(pid: int) -> str | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # proc(5): the name in parentheses may hold anything; state is the first field after it, start time the 20th.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}:{fields[19]}"


def _birth_mark_ps(pid: int) -> str | None:
    ps = shutil.which("ps") or "/bin/ps"
    done = subprocess.run(  # noqa: S603
        [ps, "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        timeout=_PS_TIMEOUT_SEC,
        check=False,
        env={"LC_ALL": "C"},
    )
    state, _, started = done.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else " ".join(started.split())


def lock_holder(lock_file: Path) -> int | None:
    """The pid that holds a POSIX lock on the file (0 where the system does not tell), None when nobody does.

    Java locks files with POSIX locks, which a process loses when it ends, however it ends. Raises OSError when the file
    is there but may not be opened.
    """
    try:
        handle = lock_file.open("r+b")
    except FileNotFoundError:
        return None
    with handle:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # POSIX allows either for "somebody has it"
            return _holder_in_proc(lock_file)
    return None


def _holder_in_proc(lock_file: Path) -> int:
    """From /proc/locks, whose lines read `1: POSIX  ADVISORY  WRITE 4711 fe:00:1234567 0 EOF`."""
    inode = str(lock_file.stat().st_ino)
    try:
        lines = (_PROC / "locks").read_text().splitlines()
    except OSError:
        return UNKNOWN_HOLDER
    for fields in map(str.split, lines):
        if len(fields) == 8 and fields[1] == "POSIX" and fields[5].rpartition(":")[2] == inode:
            return int(fields[4])
    return UNKNOWN_HOLDER
