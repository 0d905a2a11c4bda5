"""What every command starts from: settings, a store, a place to say things. Made on first use, so `--help` needs nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from contracts.settings import Settings
from infrastructure.configuration import load
from infrastructure.node.lifecycle import LocalNode
from infrastructure.store import Store


@dataclass
class Context:
    """Passed to each command by `@pass_context`."""

    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    @cached_property
    def settings(self) -> Settings:
        return load(self.environment)

    @cached_property
    def home(self) -> Path:
        return Path(self.settings.text("home"))

    @cached_property
    def node(self) -> LocalNode:
        return LocalNode(self.home, self.settings)

    @cached_property
    def store(self) -> Store:
        return Store.connect(self.settings, say=say)


pass_context = click.make_pass_decorator(Context, ensure=True)


def say(text: str) -> None:
    """A line for people, on stderr, so that stdout stays what the command answers."""
    click.echo(text, err=True)


def examples(*lines: str) -> str:
    """Epilog of a command: its examples, kept as they are typed."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def json_option(command: Any) -> Any:
    return click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, for machines.")(command)
