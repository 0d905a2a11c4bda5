"""Questions put together: as new as if each had asked alone, however many ask at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from console.gathered import Gathered


def test_who_asks_while_one_is_under_way_gets_the_next_answer() -> None:
    """The value is taken away while the first question is under way: nobody who asks after that may see it."""
    asked: list[list[str]] = []
    begun, go = threading.Event(), threading.Event()
    value = ["there"]

    def ask(group: str, keys: Sequence[str]) -> dict[str, str]:
        asked.append(sorted(keys))
        found = dict.fromkeys(keys, value[0])
        begun.set()
        assert go.wait(10)
        return found

    gathered: Gathered[str, str, str] = Gathered(1, ask)
    with ThreadPoolExecutor(10) as pool:
        first = pool.submit(gathered.get, "", ["a"])
        assert begun.wait(10)
        value[0] = "gone"
        later = [pool.submit(gathered.get, "", ["a", each]) for each in "bcdbcd"]
        while "" not in gathered._waiting or len(gathered._waiting[""].keys) < 4:
            pass
        go.set()
        assert first.result(10) == {"a": "there"}
        assert [each.result(10)["a"] for each in later] == ["gone"] * 6
    assert asked == [["a"], ["a", "b", "c", "d"]]


def test_groups_do_not_wait_for_one_another_and_errors_reach_all_who_wait() -> None:
    held = threading.Event()

    def ask(group: str, keys: Sequence[int]) -> dict[int, int]:
        if group == "slow":
            assert held.wait(10)
        if group == "broken":
            raise ValueError("away")
        return {key: key * key for key in keys}

    gathered: Gathered[str, int, int] = Gathered(2, ask)
    with ThreadPoolExecutor(4) as pool:
        slow = pool.submit(gathered.get, "slow", [2])
        assert gathered.get("quick", [3, 4]) == {3: 9, 4: 16}
        for _ in range(3):
            with pytest.raises(ValueError, match="away"):
                gathered.get("broken", [1])
        held.set()
        assert slow.result(10) == {2: 4}
