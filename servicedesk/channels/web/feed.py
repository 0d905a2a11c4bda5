"""What agents write in chats, from the store to the connections: one search a second for all of them, whoever wrote where."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool

from contracts.clock import iso
from contracts.errors import BusyhourError
from servicedesk.channels.book import INDEX
from servicedesk.channels.message import CHAT, OUTBOUND
from servicedesk.channels.pipeline import Channels

EVERY_SEC = 1.0
_BACK = timedelta(seconds=30)  # looked at again each time: a written text shows up in searches a little later
_MOST = 500
_WAITING = 100  # texts that one slow connection may have before it loses some; it gets them when it says hello again
_log = logging.getLogger("busyhour.channels")
Row = dict[str, Any]


class Feed:
    """Runs while somebody listens."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._listeners: dict[str, list[asyncio.Queue[Row]]] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listening(self, conversation: str) -> AsyncIterator[asyncio.Queue[Row]]:
        queue: asyncio.Queue[Row] = asyncio.Queue(_WAITING)
        self._listeners.setdefault(conversation, []).append(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            yield queue
        finally:
            self._listeners[conversation].remove(queue)
            if not self._listeners[conversation]:
                del self._listeners[conversation]

    async def _run(self) -> None:
        while self._listeners:
            try:
                for conversation, row in await run_in_threadpool(self._new):
                    for queue in self._listeners.get(conversation, ()):
                        with suppress(asyncio.QueueFull):
                            queue.put_nowait(row)
            except BusyhourError as error:
                _log.warning("chats wait: %s", error.what)
            await asyncio.sleep(EVERY_SEC)

    def _new(self) -> list[tuple[str, Row]]:
        found = []
        for hit in _search(
            self._channels, [{"range": {"event.ingested": {"gte": iso(self._channels.clock() - _BACK)}}}]
        ):
            if hit["_id"] not in self._seen:
                self._seen[hit["_id"]] = None
                found.append((str(hit["_source"][INDEX]["conversation"]), _row(hit)))
        while len(self._seen) > 10 * _MOST:
            self._seen.popitem(last=False)
        return found


def texts_since(channels: Channels, conversation: str, since: datetime) -> list[Row]:
    """What the desk said in a conversation after a moment."""
    channels.store.refresh(INDEX)
    filters: list[dict[str, Any]] = [
        {"term": {"interaction.conversation": conversation}},
        {"range": {"@timestamp": {"gt": iso(since)}}},
    ]
    return [_row(hit) for hit in _search(channels, filters)]


def _search(channels: Channels, filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    own = [{"term": {"interaction.channel": CHAT}}, {"term": {"interaction.direction": OUTBOUND}}]
    sort = [{"@timestamp": "asc"}, {"interaction.external_id": "asc"}]
    answer = channels.store.search(INDEX, query={"bool": {"filter": [*own, *filters]}}, size=_MOST, sort=sort)
    return list(answer["hits"]["hits"])


def _row(hit: dict[str, Any]) -> Row:
    said = hit["_source"][INDEX]
    return {
        "id": hit["_id"],
        "text": said.get("text", ""),
        "by": said.get("by", ""),
        "at": hit["_source"]["@timestamp"],
    }
