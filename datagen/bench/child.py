"""A process of its own for one measurement, on one core: `python -m datagen.bench.child`, task on stdin, figures on stdout.

So that what was imported or held for another measurement weighs on none, and no library takes a second core.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import orjson

from contracts.errors import OperatorError
from infrastructure.memory import peak_bytes

ONE_CORE = dict.fromkeys(
    ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS"), "1"
)
Work = Callable[[], int]  # returns rows


def ask(task: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Runs a task in a new process and returns its figures. Raises OperatorError when it fails."""
    command = [sys.executable, "-m", "datagen.bench.child", task]
    root = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    done = subprocess.run(  # noqa: S603  our own interpreter and module
        command, input=orjson.dumps(values), capture_output=True, env={**os.environ, **ONE_CORE, "PYTHONPATH": paths}
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise OperatorError(f"the measurement {task} failed: {said[-1] if said else done.returncode}")
    found: dict[str, Any] = orjson.loads(done.stdout)
    return found


def on_one_core() -> None:
    """Keeps this process on one core where the system lets it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def rates(values: Mapping[str, Any]) -> dict[str, Any]:
    """Rows a second of the learned model and of the writers, turn by turn; medians of `rounds`, by processor time and by wall."""
    from datagen.bench.writers import writers

    model, rows, names = _learned(values), values["rows"], values["columns"]
    few, every = _writer(model, names), _writer(model, None)
    with TemporaryDirectory(prefix="busyhour-bench-") as folder:
        path = Path(folder) / "rows.csv"
        sample = model.lines(_rng(1), rows, columns=names)
        others, missing = writers((",".join(names) + "\n").encode(), sample.replace(_separator(model), b","))
        works: dict[str, Work] = {
            "learned": lambda: _write_rows(few, rows, path),
            "learned, every column": lambda: _write_rows(every, rows, path),
            "learned, text only": _text_only(few, rows, path),
        }
        works |= {name: _written(write, count, path) for name, (write, count) in others.items()}
        found = _turns(works, values["rounds"])
    found["missing"] = missing
    return found


def _written(write: Callable[[Path], None], count: int, path: Path) -> Work:
    def work() -> int:
        write(path)
        return count

    return work


def _turns(works: Mapping[str, Work], rounds: int) -> dict[str, Any]:
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            wall, cpu = time.perf_counter(), time.process_time()
            rows = work()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if turn:  # the first round warms up
                seconds[name].append((cpu / rows, wall / rows))
    return {
        "rows_per_s": {name: 1 / median(each[0] for each in turns) for name, turns in seconds.items()},
        "rows_per_s_wall": {name: 1 / median(each[1] for each in turns) for name, turns in seconds.items()},
    }


def _learned(values: Mapping[str, Any]) -> Any:
    from datagen.learn import learn

    return learn([Path(path) for path in values["sample"]])


def _rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def _separator(model: Any) -> bytes:
    separator: str = model.form.separator
    return separator.encode()


def _writer(model: Any, names: list[str] | None) -> Any:
    """Prepared once and used for every block, as `generate --from` does."""
    from datagen.learn.writer import Writer

    return Writer(model, names)


def _write_rows(writer: Any, rows: int, path: Path) -> int:
    from datagen.learn.model import DRAWN

    rng, done = _rng(2), 0
    with path.open("wb") as out:
        while done < rows:
            count = min(DRAWN, rows - done)
            out.writelines(writer.block(rng, done, count))
            done += count
    return done


def _text_only(writer: Any, rows: int, path: Path) -> Work:
    """Our own writer on rows that are drawn already."""
    from datagen.learn.model import DRAWN

    size = min(DRAWN, rows)
    codes, times = writer.model.codes(_rng(3), size), -(-rows // size)
    moments = np.full(size, writer.model.start, np.int64) if writer.model.moments else None

    def work() -> int:
        with path.open("wb") as out:
            for _ in range(times):
                out.writelines(writer.text(codes, moments, 0, _rng(4)))
        return times * size

    return work


def memory(values: Mapping[str, Any]) -> dict[str, Any]:
    """Peak memory after learning a sample, and after each of the growing `slices` of rows, all columns, dropped as written."""
    writer = _writer(_learned(values), None)
    learned, slices = peak_bytes(), []
    for rows in values["slices"]:
        done = _write_rows(writer, rows, Path(os.devnull))
        slices.append({"rows": done, "peak_rss_bytes": peak_bytes()})
    return {"after_learning_bytes": learned, "slices": slices}


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Rows a second of the generator without a sample: a day of VoIP records with its customers and truth, files written."""
    from datetime import date

    from datagen import generate

    with TemporaryDirectory(prefix="busyhour-bench-") as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        report = generate(
            Path(folder) / "out", services=("voip",), start=date(2026, 11, 2), days=1, rate=values["rows"], seed=1
        )
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "rows": report.rows,
        "rows_per_s": report.rows / cpu,
        "rows_per_s_wall": report.rows / wall,
        "peak_rss_bytes": peak_bytes(),
    }


TASKS = {"rates": rates, "memory": memory, "plain": plain}


def main() -> None:
    on_one_core()
    sys.stdout.buffer.write(orjson.dumps(TASKS[sys.argv[1]](orjson.loads(sys.stdin.buffer.read()))))


if __name__ == "__main__":
    main()
