"""How fast the console is: a page, a dashboard, many viewers at once; over points as 10 million CDRs leave them.

Points are written straight: what a dashboard reads is points, and making ten million records would measure something else.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

from console.app import create_app
from console.bench_paint import paints
from console.profiles import Profile
from console.server import make_services, served
from console.services import Services
from console.sessions import COOKIE
from contracts.clock import iso
from contracts.errors import InternalError
from contracts.settings import Settings
from infrastructure.store import Operation, Store
from infrastructure.users import create_user

RECORDS = 10_000_000
DAYS = 28  # over which the records spread
BOARD = "voip-quality"
_PASSWORD = "measured by the clock 1"  # noqa: S105 - of an account on the bench's own node
_PANELS = 12
_ENTITIES = {
    "service": ["voip"],
    "trunk_group": [f"TG{n}" for n in range(1, 41)],
    "sbc": [f"sbc-{n}" for n in range(1, 11)],
}
_KPIS = (
    ("voip.attempts", "calls", False),
    ("voip.ner", "ratio", True),
    ("voip.asr", "ratio", True),
    ("voip.mos", "MOS", True),
    ("voip.packet_loss", "ratio", True),
    ("voip.jitter_within_target", "ratio", True),
    ("voip.acd", "s", True),
    ("voip.r_factor", "R", True),
)
_CHUNK = 5000
Say = Callable[[str], None]


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None


def bench_console(
    store: Store, settings: Settings, *, rounds: int, viewers: int, days: int = DAYS, say: Say = lambda text: None
) -> dict[str, Any]:
    """Figures in seconds, None where there is no Chromium to measure with.

    `store` and `settings`: of a node of the bench's own, set up and empty.

    `page`: the answer of a dashboard's page; `first_paint`, `first_contentful_paint`, `filled` (every panel has its answer):
    by the browser's clock since the navigation, with nothing in its cache; `board_cold`: all its panels, nothing cached;
    `board_warm`: as the next viewer with the same choices gets them; `viewers_*`: so many people at once, each with an account
    and a session of their own, page and panels.
    """
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    points = _write_points(store, now, days, say)
    create_user(store, "bench", _PASSWORD, ["busyhour_noc"])
    services = make_services(settings)
    with served(create_app(services)) as url:
        cookie = _sign_in(url)
        span = f"from=now-{days}d"
        pages = [_timed(url, f"/dashboards/{BOARD}?{span}", cookie) for _ in range(rounds)]
        cold = [_board(url, cookie, days, number) for number in range(rounds)]
        warm = [_timed(url, f"/dashboards/{BOARD}/data?{span}", cookie) for _ in range(rounds + 1)][1:]
        say("first paint in Chromium")
        painted = paints(url, cookie, f"/dashboards/{BOARD}?{span}", rounds)
        cookies = _crowd(store, services, viewers, say)
        say(f"{viewers} viewers at once")
        # The viewers are a process of their own: in this one they would take the server's time.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            process.submit(_p95, []).result()  # it is there before the clock runs
            began = time.monotonic()
            visits = process.submit(_visits, url, cookies, span).result()
            whole = time.monotonic() - began
    panels = sum(1 for panel in services.boards[BOARD].panels if panel.query)
    return {
        "points": points,
        "records_behind_them": RECORDS,
        "days": days,
        "panels": panels,
        "page_p95_s": _p95(pages),
        "board_cold_median_s": round(statistics.median(cold), 3),
        "board_cold_p95_s": _p95(cold),
        "board_12_panels_cold_p95_s": round((_p95(cold) or 0.0) * _PANELS / panels, 3),
        "board_warm_p95_s": _p95(warm),
        "first_paint_p95_s": _p95(painted["first-paint"]),
        "first_contentful_paint_p95_s": _p95(painted["first-contentful-paint"]),
        "filled_p95_s": _p95(painted["filled"]),
        "viewers": viewers,
        "viewers_page_p95_s": _p95([page for page, _ in visits]),
        "viewers_board_p95_s": _p95([board for _, board in visits]),
        "viewers_seconds": round(whole, 3),
    }


def _p95(seconds: list[float]) -> float | None:
    """None where nothing was measured."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    return round(ordered[max(0, -(-95 * len(ordered) // 100) - 1)], 3)


def _write_points(store: Store, now: datetime, days: int, say: Say) -> int:
    """Hours of every KPI and entity over all days, and 5 minutes of the service as a whole."""
    rng = random.Random(1)
    hours = [now - timedelta(hours=hour) for hour in range(days * 24)]
    say(f"writing points of {days} days")
    written, batch = 0, []
    for operation in _points(store, rng, hours):
        batch.append(operation)
        if len(batch) == _CHUNK:
            written += store.write_all(batch, chunk=_CHUNK)
            batch = []
    written += store.write_all(batch, chunk=_CHUNK)
    store.refresh("kpi-5m", "kpi-1h", "kpi-1d")
    return written


def _points(store: Store, rng: random.Random, hours: list[datetime]) -> Iterator[Operation]:
    calls = RECORDS / len(hours)
    for kpi, unit, ratio in _KPIS:
        for kind, names in _ENTITIES.items():
            for name in names:
                samples = calls / len(names)
                for at in hours:
                    yield _point(store, rng, "kpi-1h", 3600, at, kpi, unit, (kind, name), samples, ratio=ratio)
                    if kind == "service":
                        for step in range(12):
                            moment = at + timedelta(minutes=5 * step)
                            yield _point(
                                store, rng, "kpi-5m", 300, moment, kpi, unit, (kind, name), samples / 12, ratio=ratio
                            )


def _point(
    store: Store,
    rng: random.Random,
    index: str,
    resolution: int,
    at: datetime,
    kpi: str,
    unit: str,
    entity: tuple[str, str],
    samples: float,
    *,
    ratio: bool,
) -> Operation:
    good = samples * rng.uniform(0.9, 1.0)
    values: dict[str, Any] = {"value": good / samples if ratio else samples, "samples": round(samples)}
    values |= {"numerator": good, "denominator": samples} if ratio else {}
    source = {
        "@timestamp": iso(at),
        "event": {"ingested": iso(at)},
        "service": {"name": "voip"},
        "entity": {"type": entity[0], "id": entity[1]},
        "kpi": {
            "id": kpi,
            "version": 1,
            "unit": unit,
            "state": "ok",
            "resolution": {"sec": resolution},
            "origin": "cdr",
            **values,
        },
    }
    return Operation("create", store.place(index, at), f"{kpi}-{entity[0]}-{entity[1]}-{iso(at)}-{resolution}", source)


def _sign_in(url: str) -> str:
    form = urlencode({"username": "bench", "password": _PASSWORD}).encode()
    try:
        build_opener(_Stay).open(Request(f"{url}/sign-in", form))  # noqa: S310 - our own address
    except HTTPError as answer:
        for cookie in answer.headers.get_all("set-cookie", []):
            if cookie.startswith(COOKIE):
                return str(cookie.partition(";")[0])
    raise InternalError("the bench could not sign in")


def _crowd(store: Store, services: Services, viewers: int, say: Say) -> list[str]:
    """Cookies of so many people. Their sessions are opened here: signing in is limited, and slow on purpose."""
    say(f"making {viewers} accounts")
    names = [f"bench-{number}" for number in range(viewers)]
    for name in names:
        create_user(store, name, _PASSWORD, ["busyhour_noc"])
    return [f"{COOKIE}={services.sessions.open(Profile(name))[0]}" for name in names]


def _timed(url: str, path: str, cookie: str) -> float:
    began = time.monotonic()
    request = Request(url + path, headers={"cookie": cookie, "accept": "text/html"})  # noqa: S310 - our own address
    with urlopen(request, timeout=120) as answer:  # noqa: S310
        answer.read()
    return time.monotonic() - began


def _board(url: str, cookie: str, days: int, number: int) -> float:
    """All panels over a span that nobody asked for before."""
    return _timed(url, f"/dashboards/{BOARD}/data?from=now-{days * 1440 - number - 1}m", cookie)


def _visits(url: str, cookies: list[str], span: str) -> list[tuple[float, float]]:
    """Seconds to the page and to its panels, of each of them at once."""
    with ThreadPoolExecutor(len(cookies)) as pool:
        return list(pool.map(lambda cookie: _visit(url, cookie, span), cookies))


def _visit(url: str, cookie: str, span: str) -> tuple[float, float]:
    return _timed(url, f"/dashboards/{BOARD}?{span}", cookie), _timed(url, f"/dashboards/{BOARD}/data?{span}", cookie)
