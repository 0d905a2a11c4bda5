"""Answers to panels: shared by those who may see the same, asked once, within their rights."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import orjson
import pytest

from console.errors import RequestError
from console.panels import Chosen, Panels, asked
from console.panels.cache import SharedAnswers
from console.panels.turns import Turns
from console.profiles import Profile
from console.sessions import COOKIE, MOST_EACH
from console.timerange import TimeRange
from infrastructure.behalf import as_user
from infrastructure.esql import Table
from infrastructure.exchange import path_of
from infrastructure.store import Store
from infrastructure.users import create_user
from tests.console.staff import NOW, PASSWORD, Console, person

TIMES = TimeRange(NOW - timedelta(hours=24), NOW)


def test_question_under_way_is_asked_once_by_all_who_wait() -> None:
    release, calls = threading.Event(), []
    shared: SharedAnswers[bytes] = SharedAnswers(4, 1000, len)

    def ask() -> bytes:
        calls.append(1)
        assert release.wait(10)
        return b"answer"

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(lambda: shared.get("key", ask, 60).result(10)) for _ in range(8)]
        while not calls:
            pass
        release.set()
        assert [each.result(10) for each in waiting] == [b"answer"] * 8
    assert len(calls) == 1
    assert shared.get("key", ask, 60).result(1) == b"answer"
    assert len(calls) == 1


def test_cache_keeps_to_its_bytes_and_its_time_and_forgets_errors() -> None:
    now = [0.0]
    shared: SharedAnswers[bytes] = SharedAnswers(1, 250, len, lambda: now[0])
    for number in range(10):
        shared.get(number, lambda: b"x" * 100, 60).result(5)
    assert shared.bytes <= 250
    calls: list[int] = []

    def counted() -> bytes:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("away")
        return b"y"

    with pytest.raises(ValueError, match="away"):
        shared.get("a", counted, 60).result(5)
    assert shared.get("a", counted, 60).result(5) == b"y"
    now[0] = 61.0
    shared.get("a", counted, 60).result(5)
    assert len(calls) == 3


def test_panel_asks_with_times_controls_and_clicks(console: Console) -> None:
    board = console.services.boards["voip-quality"]
    panel = next(panel for panel in board.panels if panel.name == "mos")
    one = asked(board, panel, Chosen(TIMES, {"trunk_group": "TG2"}, (("service.name", "voip"), ("ticket.id", "T"))))
    assert dict(one.values)["trunk_group"] == "TG2"
    assert dict(one.values)["_tend"] == "2026-11-20T12:00:00.000Z"
    assert one.filter == {"bool": {"filter": [{"term": {"service.name": "voip"}}]}}
    assert one.ignored == ("ticket.id",)
    assert one.needs == ("kpi-1h:read",)


def test_panel_refuses_filters_without_bound() -> None:
    with pytest.raises(RequestError):
        Chosen(TIMES, {}, tuple(("entity.id", str(number)) for number in range(9)))
    with pytest.raises(RequestError):
        Chosen(TIMES, {"service": "x" * 201})


def _data(console: Console, role: str, path: str) -> dict[str, dict[str, object]]:
    with console.signed_in(role) as client:
        answer = client.get(path)
        assert answer.status_code == 200
        rows = [orjson.loads(line) for line in answer.text.splitlines()]
        return {row["panel"]: row for row in rows}


def test_cache_shows_nobody_what_the_store_would_refuse(console: Console) -> None:
    """First by somebody who may, so that every answer lies in the cache; then by somebody who may not."""
    path = "/dashboards/customers/data?from=now-7d"
    seen = _data(console, "supervisor", path)
    refused = _data(console, "noc", path)
    board = console.services.boards["customers"]
    private = {panel.name for panel in board.panels if "customer" in asked(board, panel, Chosen(TIMES)).sources}
    assert private
    assert all(seen[name]["state"] in ("ok", "empty") for name in private)
    assert all(refused[name]["state"] == "denied" for name in private)
    assert all("picture" not in refused[name] for name in private)


def test_sum_over_nothing_is_no_value(console: Console) -> None:
    """Packet loss and MOS have no points here: their queries answer a row of nulls."""
    found = _data(console, "noc", "/dashboards/voip-quality/data?from=now-24h")
    assert {found["mos-now"]["state"], found["loss-now"]["state"]} == {"empty"}


def test_two_people_with_the_same_rights_share_one_query(console: Console) -> None:
    panels = Panels(2, 10**6)
    board = console.services.boards["voip-trunks"]
    panel = next(panel for panel in board.panels if panel.index == "kpi-1h")
    one = asked(board, panel, Chosen(TIMES))
    first, second = (
        panels.answer(as_user(console.store, person(role)), panel, one, lambda source: True).result(20)
        for role in ("noc", "analyst")
    )
    assert first is second
    panels.close()


def test_page_has_its_panels_asked_while_it_loads(console: Console) -> None:
    path = "/dashboards/voip-quality"
    with _counted_queries() as counted, console.signed_in("noc") as client:
        assert client.get(f"{path}?from=now-9h").status_code == 200
        client.get(f"{path}/data?from=now-9h")
        before = counted.all
        client.get(f"{path}?from=now-9h")
        client.get(f"{path}/data?from=now-9h")
    panels = sum(1 for panel in console.services.boards["voip-quality"].panels if panel.query)
    controls = len(console.services.boards["voip-quality"].controls)
    assert 0 < before <= panels + controls
    assert counted.all == before


def test_answers_are_packed_for_who_is_elsewhere_and_takes_it(console: Console) -> None:
    """As they are for who is on this machine; packed once for all who get the same."""
    path = "/dashboards/voip-trunks/data?from=now-7h"
    _data(console, "noc", path)
    plain, packed, again = asyncio.run(_from_elsewhere(console, path, ["identity", "gzip", "gzip"]))
    assert "content-encoding" not in plain.headers
    assert {answer.headers["content-encoding"] for answer in (packed, again)} == {"gzip"}
    assert packed.headers["vary"] == "accept-encoding"
    assert plain.text == packed.text == again.text
    with console.signed_in("noc") as here:
        assert here.get(path).headers["content-encoding"] == "identity"


async def _from_elsewhere(console: Console, path: str, encodings: list[str]) -> list[httpx.Response]:
    """Answers to a viewer who is not on this machine, who takes these encodings."""
    cookies = {COOKIE: console.services.sessions.open(Profile(person("noc")))[0]}
    way = httpx.ASGITransport(console.app, client=("192.0.2.7", 1234))
    async with httpx.AsyncClient(transport=way, base_url="http://127.0.0.1", cookies=cookies) as client:
        return [await client.get(path, headers={"accept-encoding": each}) for each in encodings]


def test_dashboard_answers_every_panel_once_and_says_why_one_is_empty(console: Console) -> None:
    found = _data(console, "administrator", "/dashboards/voip-trunks/data?from=now-24h")
    wanted = {panel.name for panel in console.services.boards["voip-trunks"].panels if panel.query}
    assert set(found) == wanted
    assert {str(row["state"]) for row in found.values()} <= {"ok", "empty"}
    ok = [row for row in found.values() if row["state"] == "ok"]
    assert ok
    assert all(row["rows"] and row["picture"] for row in ok)


@pytest.mark.parametrize(
    "query",
    [
        "from=now&to=now-1h",
        "from=now-900000y",
        "from=1600-01-01",
        "from=now-20y",
        "from=soon",
        "from=%00",
        "f=cdr.nothing:1",
        "f=entity.id",
        "f=ticket.title:x",
        "&".join(f"f=entity.id:{number}" for number in range(20)),
    ],
)
def test_absurd_choices_are_refused_with_a_reason(console: Console, query: str) -> None:
    with console.signed_in("noc") as client:
        for path in ("/dashboards/voip-quality", "/dashboards/voip-quality/data"):
            answer = client.get(f"{path}?{query}", headers={"accept": "application/json"})
            assert answer.status_code == 400, answer.text
            assert answer.json()["detail"]


def test_values_in_the_address_are_parameters_never_part_of_a_query(console: Console) -> None:
    found = _data(console, "noc", '/dashboards/voip-quality/data?trunk_group=x" OR true | LIMIT 1 //')
    mos = found["mos"]
    assert mos["state"] == "empty"


def test_csv_has_all_rows_and_no_formula(console: Console) -> None:
    with console.signed_in("noc") as client:
        answer = client.get("/dashboards/noc-overview/panels/alerts.csv?from=now-7d")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[0] == "since,alert.status,alert.severity,alert.acknowledged,alert.summary"
    assert len(answer.text.splitlines()) == 2


def test_live_says_when_to_look_and_is_bounded(console: Console) -> None:
    with console.signed_in("noc") as client, client.stream("GET", "/dashboards/noc-overview/live") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines) == "retry: 3000"
        assert console.app.state.watching == 1
        console.app.state.watching = console.services.settings.number("console.viewers")
        with console.signed_in("analyst") as other:
            assert other.get("/dashboards/noc-overview/live").status_code == 429
        console.app.state.watching = 1
        lines.close()  # type: ignore[attr-defined]


def test_panel_over_its_time_says_so_and_the_page_ends(console: Console) -> None:
    """All workers are held, as by queries that take too long."""
    release, made = threading.Event(), console.services
    before = made.settings
    made.settings = before.with_values(console_query_sec=1)
    try:
        for number in range(before.number("console.queries")):
            made.panels._shared.get(("held", number), lambda: release.wait(60), 0, str(number))  # type: ignore[arg-type,return-value]
        with console.signed_in("noc") as client:
            answer = client.get("/dashboards/voip-quality/data?from=now-3h")
    finally:
        release.set()
        made.settings = before
    states = {orjson.loads(line)["state"] for line in answer.text.splitlines()}
    assert answer.status_code == 200
    assert states == {"late"}


def test_two_hundred_viewers_at_once_all_get_every_panel(console: Console) -> None:
    """Each with a session of their own; each question is asked once, and no more at once than the setting says."""
    made = console.services
    panels = sum(1 for panel in made.boards["voip-quality"].panels if panel.query)
    with _people(console, 200 // MOST_EACH) as people, _counted_queries() as counted:
        profiles = [Profile(people[number % len(people)]) for number in range(200)]
        cookies = [{COOKIE: made.sessions.open(profile)[0]} for profile in profiles]
        with ThreadPoolExecutor(200) as pool:
            visits = list(pool.map(partial(_visited, f"{console.url}/dashboards/voip-quality"), cookies))
    answers = [answer for visit in visits for answer in visit]
    assert {answer.status_code for answer in answers} == {200}
    data = [answer for _, answer in visits]
    assert {len(answer.text.splitlines()) for answer in data} == {panels}
    states = {orjson.loads(line)["state"] for answer in data for line in answer.text.splitlines()}
    assert states <= {"ok", "empty"}
    assert 0 < counted.most <= made.settings.number("console.queries")
    assert counted.all <= 2 * panels + 10  # the present may be floored anew once, and controls have questions too


def _visited(address: str, cookie: dict[str, str]) -> tuple[httpx.Response, httpx.Response]:
    """A dashboard's page, then its panels."""
    page, data = (httpx.get(f"{address}{rest}?from=now-2h", cookies=cookie, timeout=120) for rest in ("", "/data"))
    return page, data


@contextmanager
def _people(console: Console, count: int) -> Iterator[list[str]]:
    """Accounts that nobody is signed in with yet."""
    names = [f"viewer-{number}" for number in range(count)]
    for name in names:
        create_user(console.store, name, PASSWORD, ["busyhour_noc"])
    try:
        yield names
    finally:
        for name in names:
            console.store.exchange.ask("DELETE", path_of("_security", "user", name))


class _Counted:
    """Queries of panels: of all time, and the most under way at once."""

    def __init__(self) -> None:
        self.all = self.most = self.now = 0
        self.lock = threading.Lock()


@contextmanager
def _counted_queries() -> Iterator[_Counted]:
    counted, real = _Counted(), Store.esql

    def esql(self: Store, *arguments: Any, **keywords: Any) -> Table:
        with counted.lock:
            counted.all, counted.now = counted.all + 1, counted.now + 1
            counted.most = max(counted.most, counted.now)
        try:
            return real(self, *arguments, **keywords)
        finally:
            with counted.lock:
                counted.now -= 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "esql", esql)
        yield counted


def test_who_asks_for_much_does_not_make_the_others_wait(console: Console) -> None:
    """One person's questions never end, and fill the queue; another one gets a whole dashboard meanwhile."""
    release, made = threading.Event(), console.services
    panels = sum(1 for panel in made.boards["voip-trunks"].panels if panel.query)
    try:
        for number in range(200):
            made.panels._shared.get(("much", number), lambda: release.wait(60), 0, person("analyst"))  # type: ignore[arg-type,return-value]
        found = _data(console, "noc", "/dashboards/voip-trunks/data?from=now-5h")
    finally:
        release.set()
    assert len(found) == panels
    assert {str(row["state"]) for row in found.values()} <= {"ok", "empty"}


def test_turns_go_round_and_lose_nothing() -> None:
    order: list[str] = []
    turns = Turns(1, "test")
    gate, done = threading.Event(), threading.Semaphore(0)
    turns.submit("first", gate.wait)  # type: ignore[arg-type]

    def noted(who: str) -> None:
        order.append(who)
        done.release()

    for who in ("much", "much", "much", "little", "little", "one"):
        turns.submit(who, partial(noted, who))
    gate.set()
    for _ in range(6):
        assert done.acquire(timeout=10)
    assert order == ["much", "little", "one", "much", "little", "much"]
    turns.close()
