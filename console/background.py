"""A console in the background: started beside the local node, known by a note under home, ended with it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from console.server import PORT
from contracts.errors import OperatorError
from infrastructure.node import processes
from infrastructure.node.launch import Process, end

_START_SEC = 60.0
_STOP_SEC = 10.0
_POLL_SEC = 0.2


@dataclass(frozen=True, slots=True)
class Running:
    """`first_run`: address of the first administrator's page, "" where there is one already."""

    pid: int
    birth: str
    url: str
    first_run: str


def running(home: Path) -> Running | None:
    """The console that was started from this home, None when it does not run any more."""
    try:
        found = Running(**json.loads(_note(home).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if Process(found.pid, found.birth).runs() else None


def start(home: Path, environment: Mapping[str, str], port: int = PORT) -> Running:
    """Starts one, or says which one runs. Its port is `port`, or a free one where that is taken.

    Raises OperatorError with the last lines of its log when it does not come up.
    """
    present = running(home)
    if present is not None:
        return present
    folder = home / "console"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = folder / "console.log"
    place = _free(port)
    command = [sys.executable, "-m", "cli.main", "serve", "--port", str(place), "--json"]
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        child = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    child.returncode = 0  # nobody waits for it: it is meant to stay
    process = Process(child.pid, processes.birth_mark(child.pid) or "ended at once")
    try:
        url, first_run = _await(process, log, f"http://127.0.0.1:{place}")
    except BaseException:
        end(process, _STOP_SEC)
        raise
    made = Running(process.pid, process.birth, url, first_run)
    part = _note(home).with_suffix(".part")
    part.write_text(json.dumps(asdict(made)), encoding="utf-8")
    part.replace(_note(home))
    return made


def stop(home: Path) -> bool:
    """Ends it; False when none runs. Raises NodeError when it belongs to somebody else."""
    found = running(home)
    if found is not None:
        end(Process(found.pid, found.birth), _STOP_SEC)
    _note(home).unlink(missing_ok=True)
    return found is not None


def _note(home: Path) -> Path:
    return home / "console" / "console.json"


def _free(port: int) -> int:
    for wanted in (port, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", wanted)) as tried:
            return int(tried.getsockname()[1])
    raise OperatorError("no port is free on 127.0.0.1", remedy="end what listens there")


def _await(process: Process, log: Path, url: str) -> tuple[str, str]:
    """Address and first-run address, as soon as it answers."""
    deadline = time.monotonic() + _START_SEC
    while time.monotonic() < deadline and process.runs():
        if _answers(url):
            text = log.read_text(encoding="utf-8")
            said = json.loads(text[text.index("{") : text.rindex("}") + 1])  # warnings may stand around it
            return str(said["url"]), str(said["first_run"])
        time.sleep(_POLL_SEC)
    processes.collect(process.pid)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-5:]
    raise OperatorError(
        "the console did not start: " + " / ".join(lines), where=str(log), remedy="try `busyhour serve`"
    )


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/healthz", timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
