"""`busyhour run` between its rounds: it rests, and wakes when records or files come in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.waking import LEAST_SEC, newest, rest
from contracts.clock import iso
from infrastructure.store import Operation

if TYPE_CHECKING:
    from infrastructure.store import Store


class Clock:
    """Time that passes by sleeping; `then` happens at the moment `at`."""

    def __init__(self, at: float = float("inf"), then: object = None) -> None:
        self.now, self.at, self.then = 100.0, at, then

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self.at and callable(self.then):
            self.at = float("inf")
            self.then()


def _deliver(store: Store, name: str = "one") -> None:
    moment = datetime(2026, 11, 2, 10, tzinfo=UTC)
    store.write_all(
        [
            Operation(
                "index",
                store.place("cdr-voip", moment),
                name,
                {"@timestamp": iso(moment), "event": {"ingested": iso(store.clock())}},
            )
        ]
    )
    store.refresh("cdr-voip")


def test_rest_lasts_as_long_as_the_pause_when_nothing_comes(store: Store) -> None:
    clock = Clock()
    assert newest(store) is None
    assert rest(store, 70.0, 60.0, None, clock=clock, sleep=clock.sleep) is False
    assert clock.now == 130.0


def test_rest_ends_soon_after_records_come_in(store: Store) -> None:
    _deliver(store)
    seen = newest(store)
    assert seen is not None
    clock = Clock(at=112.0, then=lambda: _deliver(store, "two"))
    assert rest(store, 100.0, 60.0, seen, clock=clock, sleep=clock.sleep) is True
    assert 112.0 <= clock.now <= 115.0


def test_rest_is_never_shorter_than_the_least_when_records_stream_in(store: Store) -> None:
    _deliver(store)
    clock = Clock()
    assert rest(store, 10.0, 60.0, None, clock=clock, sleep=clock.sleep) is True
    assert LEAST_SEC <= clock.now - 100.0 <= LEAST_SEC + 2
