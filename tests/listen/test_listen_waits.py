"""`busyhour listen` that is started before its Elasticsearch: it waits, says so once, and ends when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_listen_waits_for_a_node_that_is_not_there_until_it_is_told_to_end(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ES_")}
    environment |= {"BUSYHOUR_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "cli.main", "listen", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr is not None
    words = process.stderr.readline() + process.stderr.readline() + process.stderr.readline()
    assert "no Elasticsearch" in words
    assert "busyhour node start" in words
    assert "waiting for it" in words
    time.sleep(2.5)  # further looks: it still waits, and says nothing more
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=20)
    assert process.returncode not in (0, -signal.SIGTERM)
    assert "waiting for it" not in rest
