"""A worker as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def start(environment: dict[str, str], folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cli.main", "ingest", "--follow", "--json", *options, str(folder)]
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=root)
