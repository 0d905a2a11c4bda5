"""One file per noun. The table below is the list of commands; docs/cli.md is held against it by a test."""

from __future__ import annotations

from importlib import import_module

import click

# command -> module of this package that holds it, as an object of the command's own name (with _ for -)
COMMANDS: dict[str, str] = {
    "demo": "demo",
    "node": "node",
    "setup": "setup",
    "generate": "generate",
    "learn": "learn",
    "scenario": "scenario",
    "fidelity": "fidelity",
    "ingest": "ingest",
    "listen": "listen",
    "rejects": "rejects",
    "files": "files",
    "books": "books",
    "layouts": "layouts",
    "references": "references",
    "correlate": "correlate",
    "rollup": "jobs",
    "train": "jobs",
    "detect": "jobs",
    "detect-series": "detect_series",
    "fleet": "fleet",
    "calendar": "calendar",
    "alert": "jobs",
    "run": "jobs",
    "evaluate": "evaluate",
    "kpi": "kpi",
    "baseline": "baseline",
    "anomaly": "anomaly",
    "incident": "anomaly",
    "state": "anomaly",
    "watch": "watch",
    "silence": "silence",
    "notification": "notification",
    "dashboards": "dashboards",
    "ticket": "ticket",
    "agent": "agent",
    "customer": "customer",
    "diagnose": "diagnose",
    "channel": "channel",
    "desk": "desk",
    "usage": "usage",
    "user": "user",
    "serve": "serve",
    "bench": "bench",
    "settings": "settings",
}


def command(name: str) -> click.Command | None:
    """The click command of that name, or None."""
    module = COMMANDS.get(name)
    if module is None:
        return None
    found = getattr(import_module(f"cli.commands.{module}"), name.replace("-", "_"))
    if not isinstance(found, click.Command):
        raise TypeError(f"cli.commands.{module}.{name} is not a command")
    return found
