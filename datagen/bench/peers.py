"""SDV and SDMetrics in an interpreter of their own: neither is a dependency, and SDV's licence (BSL 1.1) keeps it out of ours."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contracts.errors import OperatorError, UserError
from datagen.bench.child import ONE_CORE
from datagen.fidelity import Fidelity, compare_sides
from datagen.fidelity.columns import ANSWERED
from datagen.fidelity.novelty import share_of_first
from datagen.fidelity.reading import Side, read_side

_SCRIPT = Path(__file__).with_name("peer_script.py")
_SECONDS = 3600
_NEW_ROWS = 400  # that SDMetrics is asked about: it takes milliseconds for each


def ask_peers(
    python: Path, found: Mapping[str, Fidelity], real: Side, *, rows: int, rate_rows: int, rounds: int
) -> dict[str, Any]:
    """SDV's rate and likeness, and SDMetrics' own scores of every contender beside ours.

    `found`: contender → its comparison with the same real side. Raises UserError when `python` has not both libraries.
    """
    check_peers(python)
    one = next(iter(found.values()))
    kinds = {c.name: "numerical" if c.kind == "number" else "categorical" for c in one.tables.columns}
    used = {**_answered(one), "rows": _NEW_ROWS}
    with TemporaryDirectory(prefix="busyhour-bench-") as name:
        folder = Path(name)
        _write(folder / "real.csv", real, list(kinds))
        for contender, each in found.items():
            _write(folder / f"{contender}.csv", each.synthetic, list(kinds))
        task = {
            "kinds": kinds,
            "others": list(found),
            "used": used,
            "rows": rows,
            "rate_rows": rate_rows,
            "rounds": rounds,
        }
        (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
        _run([str(python), str(_SCRIPT), str(folder)])
        figures: dict[str, Any] = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
        theirs = compare_sides(real, read_side("SYNTHETIC", [folder / "sdv.csv"], {}))
    figures["ours"] = {name: _our_scores(each) for name, each in {**found, "sdv": theirs}.items()}
    return figures


def check_peers(python: Path) -> None:
    done = _completed([str(python), "-c", "import sdv, sdmetrics"])
    if done.returncode:
        raise UserError(
            "this interpreter cannot import sdv and sdmetrics",
            where=str(python),
            remedy="make bench-peers, or: python3 -m venv peers && peers/bin/pip install sdv sdmetrics",
        )


def _run(command: list[str]) -> None:
    done = _completed(command)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise OperatorError(f"SDV failed: {said[-1] if said else done.returncode}", where=command[0])


def _completed(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603  the interpreter that the user named
            command, capture_output=True, text=True, timeout=_SECONDS, env={**os.environ, **ONE_CORE}
        )
    except OSError as error:
        raise UserError(f"cannot be run: {error.strerror}", where=command[0], remedy="name a Python") from error
    except subprocess.TimeoutExpired as error:
        raise OperatorError(f"no answer within {_SECONDS} s", where=command[0]) from error


def _answered(found: Fidelity) -> dict[str, Any]:
    """The column and the texts in it that say that a call was answered; no column where novelty is about all rows."""
    if found.tables.used == "all rows":
        return {"column": "", "words": []}
    column = next(c.name for c in found.tables.columns if ANSWERED in c.words)
    answered = found.tables.real_used.tolist()
    return {
        "column": column,
        "words": sorted({t for t, a in zip(found.real.columns[column], answered, strict=True) if a}),
    }


def _write(path: Path, side: Side, names: list[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(zip(*(side.columns[name] for name in names), strict=True))


def scores(found: Fidelity) -> dict[str, Any]:
    """What is shown of a contender."""
    return {
        "quality": found.quality,
        "column_shapes": found.column_shapes,
        "column_pairs": found.column_pairs,
        "boundaries": found.boundaries,
        "new_row_share": found.novelty.new,
        "copies": found.novelty.copies,
    }


def _our_scores(found: Fidelity) -> dict[str, Any]:
    return {
        **scores(found),
        "new_rows": share_of_first(
            found.tables.columns, found.tables.real_used, found.tables.synthetic_used, _NEW_ROWS
        ),
    }
