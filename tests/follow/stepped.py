"""A worker whose rounds and whose clock a test moves on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mediation.follow.folder import Folders
from mediation.follow.run import Run
from mediation.follow.worker import Worker as Rounds
from mediation.intake import Intake
from mediation.load import load_layouts

if TYPE_CHECKING:
    from infrastructure.store import Store


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Stepped:
    """A worker whose rounds are made one by one."""

    def __init__(self, store: Store, folder: Path, clock: Clock) -> None:
        self.said: list[tuple[str, str]] = []
        self.run = Run(
            store,
            load_layouts(),
            None,
            None,
            lambda event: self.said.append((event.what, Path(event.path).name)),
            clock,
        )
        self.intake = Intake(store)
        self.rounds = Rounds(self.run, Folders([folder], done_suffix=".done"), self.intake)
        self.clock = clock

    def step(self, times: int = 1, seconds: float = 0.5) -> None:
        for _ in range(times):
            self.clock.now += seconds
            self.rounds.round()

    def end(self) -> None:
        with self.intake:
            self.rounds.leave()
