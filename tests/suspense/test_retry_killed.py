"""`rejects retry` killed again and again: nothing lost, nothing doubled, and the books balance at the end."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.settings import Settings
from mediation import ingest
from mediation.samples import write_sample
from mediation.suspense import Selection, retry

if TYPE_CHECKING:
    from infrastructure.store import Store

ROWS = 3000
DRIVER = """
import os
from contracts.settings import read
from infrastructure.store import Store
from mediation.suspense import Selection, retry
store = Store.connect(read({key: value for key, value in os.environ.items() if key.startswith(("BUSYHOUR", "ES_"))}))
print("ready", flush=True)
retry(store, Selection(), by="driver", start="2026-01-01T00:00:00", rate="120/h")
"""


def test_retry_loses_and_doubles_nothing_when_killed(store: Store, node_settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "undated.csv"
    write_sample("voip-public-undated", path, rows=ROWS, seed=1)
    assert ingest(store, [path]).rejected == ROWS
    chance = random.Random(time.time_ns())
    killed = 0
    for number in range(5):
        environment = {**os.environ, "BUSYHOUR_HOME": node_settings.text("home")}
        run = subprocess.Popen([sys.executable, "-c", DRIVER], env=environment, stdout=subprocess.PIPE, text=True)
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            # The first is too short for all rows, whatever the machine.
            run.wait(chance.uniform(0.01, 0.1 + 0.3 * number))
        run.kill()
        killed += run.wait() != 0
        run.stdout.close()
    assert killed > 0
    retry(store, Selection(), by="anna", start="2026-01-01T00:00:00", rate="120/h")
    store.refresh()
    assert store.count("cdr-voip") == ROWS
    assert store.count("cdr-reject", {"term": {"reject.state": "recycled"}}) == ROWS
    assert store.count("cdr-reject", {"term": {"reject.became": "duplicate"}}) == 0
    (row,) = (hit["_source"]["file"] for hit in store.scan("cdr-file"))
    assert (row["lines"], row["indexed"], row["rejected"], row["recycled"]) == (ROWS, 0, ROWS, ROWS)
