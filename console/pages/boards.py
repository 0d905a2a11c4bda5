"""Dashboards: the page, the answers of its panels, live ticks, CSV and table of a panel."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
from collections.abc import AsyncIterator, Collection, Iterable
from concurrent.futures import Future
from functools import cache, lru_cache
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool

from console.codes import CODES, coded
from console.columns import heading, names_of
from console.errors import NotFound, RequestError
from console.i18n import Words, zone_of
from console.menu import stale_needs
from console.panels import Answer, Asked, Chosen, asked
from console.panels.request import filterable
from console.panels.service import failed
from console.panels.telling import speaks, told
from console.security import LOOPBACK
from console.services import Services
from console.templating import fragment, messages, page, template
from console.timerange import time_range
from console.viewer import Viewer, allowed, current, services
from contracts.errors import BusyhourError
from dashboards.kinds import KINDS
from dashboards.model import ANY, Control, Dashboard, Panel

router = APIRouter()
Someone = Annotated[Viewer, Depends(allowed())]
HOME = "noc-overview"
NDJSON = "application/x-ndjson"
RANGES = ("now-1h", "now-6h", "now-24h", "now-7d", "now-28d", "now-90d")
LEAST_STEP_SEC, MOST_STEP_SEC = 10, 60  # to which the present is floored, so that viewers share answers
ROW_PX = 18  # height of a row of the grid; 8 more lie between two


# A page asks who looks in its own thread: as a dependency that would be another turn of a thread, and a crowd waits for turns.
@router.get("/")
def home(request: Request) -> Response:
    return _show(request, current(request), HOME)


@router.get("/dashboards")
def listed(request: Request, viewer: Someone) -> Response:
    boards = services(request).boards.values()
    return page(request, "boards.html", viewer, boards=boards)


@router.get("/dashboards/{name}")
def shown(request: Request, name: str) -> Response:
    return _show(request, current(request), name)


@router.get("/dashboards/{name}/layout.css")
def layout(request: Request, name: str, viewer: Someone) -> Response:
    """Where the panels stand. A file of its own, since styles inside a page are forbidden."""
    board = board_of(services(request), name)
    rules = [f".board {{ grid-auto-rows: {ROW_PX}px; }}"]
    for number, panel in enumerate(board.panels):
        x, y, width, height = panel.at
        place = f"grid-column: {x + 1} / span {width}; grid-row: {y + 1} / span {height};"
        rules.append(f".at-{number} {{ {place} }}")
        tall = height * (ROW_PX + 8)
        rules.append(f"@media (max-width: 800px) {{ .at-{number} {{ height: {tall}px; }} }}")
    return Response("\n".join(rules), media_type="text/css", headers={"cache-control": "private, max-age=300"})


def _show(request: Request, viewer: Viewer, name: str) -> Response:
    made = services(request)
    board = board_of(made, name)
    chosen = chosen_of(request, board, made)
    kept = _kept(request)
    return page(
        request,
        "board.html",
        viewer,
        board=board,
        frames=_frames(board, viewer.words.language, kept),
        ranges=RANGES,
        span=_span(request, board),
        chosen=chosen,
        controls=_controls(made, viewer, board, chosen),
        facts={
            "name": board.name,
            "query": kept,
            "refresh": board.refresh_sec,
            "zone": viewer.words.zone_name() if viewer.profile.timezone else "",
            "language": viewer.words.tag,
            "messages": messages(viewer.words),
            "notify": viewer.profile.notify,
            "labels": _labels(board, viewer.words.language),
            "codes": _codes(viewer.words.language),
            "coded": sorted(name for panel in board.panels for name in names_of(panel) if coded(name)),
        },
    )


@lru_cache(500)
def _frames(board: Dashboard, language: str, query: str) -> Markup:
    """The frames of a dashboard's panels, which all who choose the same in a language have alike."""
    panels = [_framed(panel) for panel in board.panels]
    words = Words(language, zone_of(""))
    made = template("board_frames.html", language).render(board=board, panels=panels, words=words, query=query)
    return Markup(made)  # noqa: S704 - of a template that escapes every value


@cache
def _labels(board: Dashboard, language: str) -> dict[str, str]:
    """What stands in pictures and is translated: the pictures themselves are shared by viewers of every language."""
    words = Words(language, zone_of(""))
    texts = {text for panel in board.panels for text in (panel.title, panel.unit)}
    texts |= {mark.label for panel in board.panels for mark in panel.thresholds}
    said = {text: words.text(text) for text in sorted(texts) if text}
    names = {name for panel in board.panels for name in names_of(panel)}
    said |= {name: heading(name, words) for name in sorted(names)}
    return {text: other for text, other in said.items() if other != text}


@cache
def _codes(language: str) -> dict[str, str]:
    words = Words(language, zone_of(""))
    return {code: said for code in CODES if (said := words.said(code)) != code}


def board_of(made: Services, name: str) -> Dashboard:
    found = made.boards.get(name)
    if found is None:
        raise NotFound(f"there is no dashboard {name[:60]!r}", remedy="see the list of dashboards")
    return found


def panel_of(board: Dashboard, name: str) -> Panel:
    found = next((panel for panel in board.panels if panel.name == name and panel.query), None)
    if found is None:
        raise NotFound(f"{board.name} has no panel {name[:60]!r}")
    return found


def _span(request: Request, board: Dashboard) -> tuple[str, str]:
    return request.query_params.get("from") or board.time[0], request.query_params.get("to") or board.time[1]


def chosen_of(request: Request, board: Dashboard, made: Services) -> Chosen:
    """From the address. Raises RequestError on an impossible time range or filter."""
    since, until = _span(request, board)
    step = min(max(board.refresh_sec // 2, LEAST_STEP_SEC), MOST_STEP_SEC)
    names = {control.variable or control.name for control in board.controls}
    controls = {name: value for name, value in request.query_params.items() if name in names and value}
    filters = []
    for text in request.query_params.getlist("f"):
        field, _, value = text.partition(":")
        if not value or not filterable(field):
            raise RequestError(f"f: {text[:60]!r} is no filter", remedy="write f=entity.id:TG2")
        filters.append((field, value))
    times = time_range(since, until, made.clock(), step)
    return Chosen(times, controls, tuple(dict.fromkeys(filters)))


def _kept(request: Request) -> str:
    """The choices as they stand in the address, to hand them on."""
    return urlencode(request.query_params.multi_items())


def _framed(panel: Panel) -> dict[str, Any]:
    links = [{"to": f"/dashboards/{link.to}", "label": link.label} for link in panel.links]
    family = KINDS[panel.kind].family
    return {"panel": panel, "family": family, "links": links, "coded": bool(panel.by) and coded(panel.by[0])}


def _controls(made: Services, viewer: Viewer, board: Dashboard, chosen: Chosen) -> list[dict[str, Any]]:
    """Each control with the values that the viewer may choose; those of a query come from the shared cache.

    What the page will ask for next, the answers of its panels, is under way meanwhile.
    """
    questions = [_question(board, control, chosen) for control in board.controls]
    panels = _asked_by(board, chosen)
    # All rights in one question, those of the menu with them.
    viewer.learn([*stale_needs(viewer, made.clock()), *_needs([*questions, *panels])])
    futures = [_asked_of(made, viewer, *each) for each in [*questions, *panels]]
    found = []
    for control, future in zip(board.controls, futures, strict=False):
        name = control.variable or control.name
        try:
            table = future.result(made.settings.number("console.query.sec")).table
            column = control.variable or control.field
            values = [str(value) for value in table.column(column) if value not in (None, ANY)]
        except (BusyhourError, TimeoutError):
            values = []
        now = chosen.controls.get(name, ANY)
        if now != ANY and now not in values:
            values = [now, *values]
        codes = coded(control.field or control.variable)
        found.append({"name": name, "label": control.label, "values": values, "chosen": now, "coded": codes})
    return found


def _asked_by(board: Dashboard, chosen: Chosen, only: str = "") -> list[tuple[Panel, Asked]]:
    """What each panel asks."""
    return [
        (panel, asked(board, panel, chosen))
        for panel in board.panels
        if panel.query and (not only or panel.name == only)
    ]


def _needs(questions: Iterable[tuple[Panel, Asked]]) -> list[str]:
    return [need for _, one in questions for need in one.needs]


def _question(board: Dashboard, control: Control, chosen: Chosen) -> tuple[Panel, Asked]:
    """What asks for the values of a control."""
    query = control.query or (
        f"FROM {control.index} | STATS n = COUNT(*) BY {control.field} | SORT {control.field} | LIMIT 500"
    )
    name = f"control-{control.name}"
    as_panel = Panel(name, control.label, "table", control.index, query, (0, 0, 1, 1), where="control")
    sources = asked(board, as_panel, chosen).sources or (control.index,)
    return as_panel, Asked(query, (), (), sources)


@router.get("/dashboards/{name}/data")
async def answers(request: Request, name: str, only: str = "") -> Response:
    """A line of JSON for each panel, as they come; one request for the whole dashboard, one query a panel at most."""
    made = services(request)
    every = await run_in_threadpool(_prepare, request, made, name, only)
    words = current(request).words  # who they are is known by now
    # Packing costs more time than it saves where nothing leaves the machine.
    near = request.client is not None and request.client.host in LOOPBACK
    headers = {"content-encoding": "identity"} if near else None
    if all(future.done() for _, _, future in every):
        bodies = tuple(_body(panel, one, future, words) for panel, one, future in every)
        if headers is None and "gzip" in request.headers.get("accept-encoding", ""):
            packed = {"content-encoding": "gzip", "vary": "accept-encoding"}
            return Response(_packed(bodies), media_type=NDJSON, headers=packed)
        return Response(b"\n".join([*bodies, b""]), media_type=NDJSON, headers=headers)
    limit = made.settings.number("console.query.sec") + 1
    pending = [asyncio.ensure_future(_in_time(panel, one, future, limit, words)) for panel, one, future in every]

    return StreamingResponse(_lines(pending), media_type=NDJSON, headers=headers)


@lru_cache(32)  # some hundred kilobytes each
def _packed(bodies: tuple[bytes, ...]) -> bytes:
    """Answers that several viewers get alike are packed once."""
    return gzip.compress(b"\n".join([*bodies, b""]), compresslevel=6, mtime=0)


async def _lines(pending: Collection[asyncio.Task[bytes]]) -> AsyncIterator[bytes]:
    """As they come; those that came meanwhile go in one piece."""
    left = set(pending)
    try:
        while left:
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            yield b"".join([task.result() + b"\n" for task in done])
    finally:
        for task in left:
            task.cancel()


def _prepare(request: Request, made: Services, name: str, only: str) -> list[tuple[Panel, Asked, Future[Answer]]]:
    """What each panel asks, and its answer to come; all rights in one question."""
    viewer = current(request)
    board = board_of(made, name)
    every = _asked_by(board, chosen_of(request, board, made), only)
    viewer.learn(_needs(every))
    return [(panel, one, _asked_of(made, viewer, panel, one)) for panel, one in every]


def _asked_of(made: Services, viewer: Viewer, panel: Panel, one: Asked) -> Future[Answer]:
    """The answer to come, as far as the viewer may read it, in their turn."""
    return made.panels.answer(viewer.store, panel, one, lambda name: viewer.may(f"{name}:read"), viewer.username)


async def _in_time(panel: Panel, one: Asked, future: Future[Answer], limit: float, words: Words) -> bytes:
    try:
        await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), limit)
    except TimeoutError:
        return _late(panel)
    except Exception as error:  # noqa: BLE001 - one panel's trouble is not the others'
        return failed(panel, error).body
    return _body(panel, one, future, words)


def _body(panel: Panel, one: Asked, future: Future[Answer], words: Words) -> bytes:
    """Of an answer that is there, with what does not apply to this panel; its sentences as the viewer has them."""
    error = future.exception()
    found = future.result() if error is None else failed(panel, error)
    body = told(found.body, words) if speaks(panel, found.body) else found.body
    return orjson.dumps({**orjson.loads(body), "ignored": list(one.ignored)}) if one.ignored else body


def _late(panel: Panel) -> bytes:
    return orjson.dumps({"panel": panel.name, "state": "late", "rows": 0, "detail": ""})


def _answer(request: Request, viewer: Viewer, name: str, panel_name: str) -> tuple[Panel, Answer]:
    made = services(request)
    board = board_of(made, name)
    panel = panel_of(board, panel_name)
    one = asked(board, panel, chosen_of(request, board, made))
    viewer.require(*one.needs)
    return panel, _asked_of(made, viewer, panel, one).result()


@router.get("/dashboards/{name}/panels/{panel_name}.csv")
def as_csv(request: Request, name: str, panel_name: str, viewer: Someone) -> Response:
    """All rows of a panel. RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe before it."""
    panel, found = _answer(request, viewer, name, panel_name)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(found.table.columns)
    writer.writerows([[_plain(cell) for cell in row] for row in found.table.rows])
    headers = {"content-disposition": f'attachment; filename="{name}-{panel.name}.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _plain(cell: Any) -> Any:
    if isinstance(cell, list):
        cell = ", ".join(map(str, cell))
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell[:1] else cell


@router.get("/dashboards/{name}/panels/{panel_name}/table")
def as_table(request: Request, name: str, panel_name: str, viewer: Someone) -> Response:
    """The rows behind a chart, for who cannot see it, as a part of the page."""
    panel, found = _answer(request, viewer, name, panel_name)
    return fragment(request, "panel_table.html", viewer, panel=panel, table=found.table, heading=heading, most=200)
