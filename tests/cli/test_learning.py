"""Baselines are learned beside the rounds of `busyhour run`: begun when due, told when failed, ended or awaited at the end."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cli.context import Context
from cli.learning import AGAIN, EVERY, Learner
from contracts.clock import iso, parse_iso
from detectors import train
from detectors.reading import trained

if TYPE_CHECKING:
    from infrastructure.store import Store


class Here(Context):
    """A context whose store is the test's."""

    def __init__(self, store: Store) -> None:
        super().__init__({**os.environ, "BUSYHOUR_HOME": store.settings.text("home"), "ES_URL": ""})
        self.__dict__["store"] = store


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def awaited(learner: Learner) -> None:
    assert learner._child is not None
    learner._child.wait(60)


def test_first_training_is_waited_for_and_a_young_one_is_left_alone(store: Store) -> None:
    with Learner(Here(store)) as learner:
        learner.first()
        first = trained(store)
        assert first is not None
        learner.first()
        learner.look()
        assert learner._child is None
    assert trained(store) == first


def test_training_that_is_due_goes_on_beside_and_is_whole_when_the_rounds_end(store: Store) -> None:
    old = parse_iso(iso(store.clock() - EVERY))
    train(store, until=old)
    with Learner(Here(store)) as learner:
        learner.first()
        learner.look()
        assert learner._child is not None
        assert trained(store).until == old  # type: ignore[union-attr]
    assert trained(store).until > old + timedelta(hours=23)  # type: ignore[union-attr]


def test_training_that_failed_is_told_and_tried_again_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    failing = script("import sys; print('no such disk', file=sys.stderr); sys.exit(3)")
    with Learner(Here(store), command=failing, tell=said.append) as learner:
        learner.look()
        awaited(learner)
        learner.look()
        assert learner._child is None
        assert len(said) == 1
        assert "exit code 3" in said[0]
        assert "no such disk" in said[0]
        now = store.clock()
        monkeypatch.setattr(store, "clock", lambda: now + AGAIN)
        learner.look()
        assert learner._child is not None
        awaited(learner)


def test_training_under_way_is_ended_with_the_rounds_that_an_error_ends(store: Store) -> None:
    began = time.monotonic()
    learner = Learner(Here(store), command=script("import time; time.sleep(300)"))
    with pytest.raises(KeyboardInterrupt), learner:
        learner.look()
        child = learner._child
        raise KeyboardInterrupt
    assert child is not None
    assert child.returncode == -15
    assert time.monotonic() - began < 60
