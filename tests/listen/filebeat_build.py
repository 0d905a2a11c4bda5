"""A real Filebeat, built once from the Go module beside this file and kept in the user's cache folder."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = Path(__file__).resolve().parent / "filebeat"
_SECONDS = 900  # it takes about two and a half minutes


def filebeat() -> Path:
    """The program. Skips the test, with the reason, where Go is absent or cannot get the sources."""
    found = _found()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@functools.cache
def _found() -> Path | str:
    """The program, or why there is none."""
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(MODULE.iterdir()))).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "busyhour"
    program = cache / f"filebeat-{key}" / "filebeat"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "filebeat.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once build it once
        return program if program.is_file() else _built(program)


def _built(program: Path) -> Path | str:
    go = shutil.which("go")
    if go is None:
        return "no Go here; it would build the real Filebeat (go.dev/dl, 1.23 or later)"
    sys.stderr.write("building the real Filebeat with Go (once, about 150 s)\n")
    aside = program.with_name("filebeat.new")
    aside.parent.mkdir(parents=True, exist_ok=True)
    command = [go, "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", str(aside), "."]
    try:
        done = subprocess.run(command, cwd=MODULE, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"Go did not build the real Filebeat in {_SECONDS} s"
    if done.returncode != 0:
        return f"Go could not build the real Filebeat: {done.stderr.strip()[-300:]}"
    return aside.replace(program)
