"""README, "Add your own CDR format", followed from start to end: its files are written, its commands run, its output compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contracts.settings import Settings
    from infrastructure.store import Store

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent


def _section() -> str:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return readme.split("## Add your own CDR format\n")[1].split("\n## ")[0]


def _steps(section: str) -> Iterator[tuple[str, list[str]]]:
    """Commands of the console blocks, each with the lines shown below it."""
    for block in re.findall(r"```console\n(.*?)```", section, re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = step.rstrip("\n").split("\n")
            yield command, shown


def _plain(text: str) -> str:
    return " ".join(text.split())


def test_the_readme_adds_a_format_from_start_to_end(store: Store, node_settings: Settings, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "BUSYHOUR_HOME": node_settings.text("home"),
        "COLUMNS": "400",
    }
    ran = []
    for command, shown in _steps(_section()):
        verb, _, rest = command.partition(" ")
        if verb == "cat":
            (tmp_path / rest).parent.mkdir(exist_ok=True)
            (tmp_path / rest).write_text("\n".join([*shown, ""]))
        elif verb == "export":
            name, _, value = rest.partition("=")
            environment[name] = value
        else:
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            output = _plain(done.stdout)
            for line in shown:
                for part in line.split("…"):
                    assert _plain(part) in output, (command, line, done.stdout)
            ran.append(command)
    assert len(ran) >= 7
    store.refresh()
    calls = [hit["_source"] for hit in store.scan("cdr-voip")]
    assert sorted(call["voip"]["call_id"] for call in calls) == ["9001", "9002", "9003"]
    assert {call["voip"]["call_id"]: call["event"]["outcome"] for call in calls}["9001"] == "success"
    assert "pdd" not in next(call["voip"] for call in calls if call["voip"]["call_id"] == "9003")
    (reject,) = store.scan("cdr-reject")
    assert reject["_source"]["reject"]["state"] == "recycled"
