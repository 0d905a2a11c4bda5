"""How fast records of TS 32.298 are mediated: `python -m mediation.formats.ber_speed [RECORDS]`, in CPU time, without a store.

Beside it stands what Python's own csv needs for the same records as lines of `epc-busyhour`, since a figure alone says nothing of
another machine.
"""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Callable
from random import Random

from mediation.compile import compile_layout
from mediation.formats import ber_samples, cells_reader
from mediation.formats.ts32297 import records
from mediation.lines import judge
from mediation.load import load_layouts
from mediation.samples import SAMPLES

_LIMIT = 1 << 20
_RUNS = 3


def _rate(count: int, run: Callable[[], object]) -> float:
    """Records a second, the best of some runs: the others were disturbed."""
    seconds = []
    for _ in range(_RUNS):
        begun = time.process_time()
        run()
        seconds.append(time.process_time() - begun)
    return count / min(seconds)


def main(count: int = 20_000) -> None:
    """Prints records a second, CPU time, of each step and of both together."""
    layout = load_layouts()["ts32298"]
    pgw, sgw = ber_samples.views(1, count // 3)
    content = {"P-GW": pgw, "S-GW": sgw, "SMS": list(ber_samples.messages(1, count // 3))}
    read, outcome = cells_reader(layout), judge(compile_layout(layout, b"key"), _LIMIT)
    for name, given in content.items():
        file = ber_samples.file(map(ber_samples.cdr, given), sequence=1)
        raws = [raw for _, _, raw in records(io.BytesIO(file), _LIMIT, b"")]
        framing = _rate(len(raws), lambda file=file: list(records(io.BytesIO(file), _LIMIT, b"")))  # type: ignore[misc]
        cells = _rate(len(raws), lambda raws=raws: [read(raw) for raw in raws])  # type: ignore[misc]
        documents = _rate(len(raws), lambda raws=raws: [outcome(raw) for raw in raws])  # type: ignore[misc]
        print(f"{name}: framing {framing:,.0f}/s, cells {cells:,.0f}/s, documents {documents:,.0f}/s")  # noqa: T201
    lines = io.StringIO()
    csv.writer(lines).writerows(SAMPLES["epc-busyhour"](Random(1), count))
    names = load_layouts()["epc-busyhour"].header
    reader = _rate(count, lambda: list(csv.DictReader(io.StringIO(lines.getvalue()), names)))
    print(f"csv.DictReader, epc-busyhour: {reader:,.0f}/s")  # noqa: T201


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
