"""Run by another interpreter (`--peers PYTHON`), which has SDV and SDMetrics; imports nothing of ours.

SDV is under the Business Source License 1.1: it is used to compare with, and is no dependency of anything here.
Arguments: folder. Reads task.json, real.csv and the CSV files of the task there; writes sdv.csv and figures.json.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

Kinds = dict[str, str]

warnings.filterwarnings("ignore")


def frame(path: str, kinds: Kinds) -> Any:
    """Numbers as numbers and words as words, an empty cell as missing; whole numbers whole, as a reader of the file has them."""
    import pandas as pd

    types = {name: "float64" if kind == "numerical" else "object" for name, kind in kinds.items()}
    read = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
    for name, kind in kinds.items():
        if kind == "numerical" and not read[name].isna().any() and (read[name] == read[name].round()).all():
            read[name] = read[name].astype("int64")
    return read


def quality(real: Any, synthetic: Any, kinds: Kinds) -> dict[str, float]:
    from sdmetrics.reports.single_table import QualityReport

    metadata = {"columns": {name: {"sdtype": kind} for name, kind in kinds.items()}}
    report = QualityReport()
    report.generate(real, synthetic, metadata, verbose=False)
    shapes, pairs = report.get_properties()["Score"].tolist()
    return {"quality": report.get_score(), "column_shapes": shapes, "column_pairs": pairs}


def boundaries(real: Any, synthetic: Any, kinds: Kinds) -> float | None:
    from sdmetrics.single_column import BoundaryAdherence

    numbers = [name for name, kind in kinds.items() if kind == "numerical"]
    scores = [BoundaryAdherence.compute(real[name], synthetic[name]) for name in numbers]
    return float(sum(scores) / len(scores)) if scores else None


def new_rows(real: Any, synthetic: Any, kinds: Kinds, used: dict[str, Any]) -> float:
    from sdmetrics.single_table import NewRowSynthesis

    metadata = {"columns": {name: {"sdtype": kind} for name, kind in kinds.items()}}
    if used["column"]:
        real = real[real[used["column"]].isin(used["words"])].reset_index(drop=True)
        synthetic = synthetic[synthetic[used["column"]].isin(used["words"])].reset_index(drop=True)
    synthetic = synthetic.head(used["rows"])
    return float(NewRowSynthesis.compute(real, synthetic, metadata))


def sample(real: Any, kinds: Kinds, task: dict[str, Any]) -> tuple[float, float]:
    from sdv.metadata import Metadata
    from sdv.single_table import GaussianCopulaSynthesizer

    columns = {name: {"sdtype": kind} for name, kind in kinds.items()}
    synthesizer = GaussianCopulaSynthesizer(Metadata.load_from_dict({"tables": {"table": {"columns": columns}}}))
    synthesizer.fit({"table": real} if int(version("sdv").split(".")[0]) >= 2 else real)  # 2.0 takes tables by name
    synthesizer.sample(1000)
    seconds, wall = [], []
    for _ in range(task["rounds"]):
        cpu, began = time.process_time(), time.perf_counter()
        rows = synthesizer.sample(task["rate_rows"])
        seconds.append(time.process_time() - cpu)
        wall.append(time.perf_counter() - began)
    rows = rows["table"] if isinstance(rows, dict) else rows
    rows.head(task["rows"]).to_csv("sdv.csv", index=False)
    middle = len(seconds) // 2
    return task["rate_rows"] / sorted(seconds)[middle], task["rate_rows"] / sorted(wall)[middle]


def main() -> None:
    os.chdir(sys.argv[1])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    task = json.loads(Path("task.json").read_text())
    kinds = task["kinds"]
    real = frame("real.csv", kinds)
    figures: dict[str, Any] = {"versions": {name: version(name) for name in ("sdv", "sdmetrics")}}
    figures["sdv_rows_per_s"], figures["sdv_rows_per_s_wall"] = sample(real, kinds, task)
    figures["sdmetrics"] = {}
    for name in [*task["others"], "sdv"]:
        other = frame(f"{name}.csv", kinds)
        figures["sdmetrics"][name] = {
            **quality(real, other, kinds),
            "boundaries": boundaries(real, other, kinds),
            "new_rows": new_rows(real, other, kinds, task["used"]),
        }
    Path("figures.json").write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
