"""The bulk request: its body from operations, its answer as one result per operation. Pure; the store sends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import orjson

from contracts.errors import InternalError, StoreRefused
from infrastructure.texts import Texts

# One request stays under this: Elasticsearch advises 5–15 MB, and refuses for ever what exceeds a tenth of its heap.
MOST_BYTES = 10_000_000
# What of the answer is read; the rest (two thirds of it) is neither sent nor parsed.
ANSWER = "items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"


@dataclass(slots=True)  # not frozen: that would double the time to make one, and a file makes one per line
class Operation:
    """One write. `create` never overwrites, `index` does. `index` is concrete (`Store.place`).

    `source` is a dict, or its JSON as bytes without a line break, which is sent as it is.
    """

    action: Literal["create", "index"]
    index: str
    id: str
    source: dict[str, Any] | bytes


@dataclass(frozen=True, slots=True)
class ItemResult:
    """Outcome of one operation: `status` 200 or 201 written, 409 exists already, anything else refused for good.

    409 does not say whose document it is: after a lost answer it may be this very write, and after a kill an earlier
    run's. Who keeps books reads it back (`Store.read_back`) and compares file fingerprint and offset.
    """

    status: int
    error: str = ""

    @property
    def created(self) -> bool:
        return self.status in (200, 201)

    @property
    def exists(self) -> bool:
        return self.status == 409

    @property
    def refused(self) -> bool:
        return not self.created and not self.exists


class Postponed(NamedTuple):
    """Operations to send again: positions in the request, and why, for people."""

    positions: list[int]
    reason: str


CREATED = ItemResult(201)  # the very object, so that results are counted fast
_PLAIN = {200: ItemResult(200), 201: CREATED}
_WRITTEN = {"create": {"status": 201}}  # what is answered for nearly every operation of an ingest
_EXISTS = ItemResult(409, "exists already")
_AGAIN = (429, 502, 503, 504)
# Refusals that are not about the document: the next one would meet the same, so they stop the job.
_NOT_THE_DOCUMENT = frozenset(
    {"validation_exception", "index_closed_exception", "invalid_index_name_exception", "invalid_alias_name_exception"}
)


def encoded(operation: Operation) -> bytes:
    """The two lines of an operation. Raises InternalError on a source that would break the request."""
    source = operation.source
    if not isinstance(source, bytes):
        source = orjson.dumps(source)
    elif b"\n" in source:
        raise InternalError(f"source of {operation.id} holds a line break")
    return b"%b%b\n" % (_action_line(operation), source)


def _action_line(operation: Operation) -> bytes:
    if operation.id.isalnum() and operation.id.isascii():  # digests: nothing to escape
        return f'{{"{operation.action}":{{"_index":"{operation.index}","_id":"{operation.id}"}}}}\n'.encode()
    return orjson.dumps({operation.action: {"_index": operation.index, "_id": operation.id}}) + b"\n"


def target(text: bytes) -> tuple[str, str]:
    """Index and id of an encoded operation."""
    (place,) = orjson.loads(text[: text.index(b"\n")]).values()
    return place["_index"], place["_id"]


def requests(texts: Sequence[bytes], most: int = MOST_BYTES) -> Iterator[range]:
    """Cuts encoded operations into requests of at most `most` bytes (one operation at least), as ranges of positions."""
    if isinstance(texts, Texts) and texts.size <= most:
        yield range(len(texts))
        return
    start, size = 0, 0
    for position, length in enumerate(map(len, texts)):
        if size and size + length > most:
            yield range(start, position)
            start, size = position, 0
        size += length
    yield range(start, len(texts))


def body(texts: Sequence[bytes], positions: Sequence[int]) -> bytes:
    """The request of the operations at these positions."""
    if isinstance(texts, Texts) and len(positions) == len(texts):
        return texts.body()
    return b"".join([texts[position] for position in positions])


def results(answer: dict[str, Any], positions: Sequence[int], into: list[ItemResult | None]) -> Postponed:
    """Writes the outcome of each operation into `into` at its position; returns those to send again.

    Raises StoreRefused on an answer that is not about a single document (rights, no room for another index).
    """
    items = answer.get("items", [])
    if len(items) != len(positions):
        raise InternalError(f"{len(positions)} operations sent, {len(items)} answered")
    if items.count(_WRITTEN) == len(items):
        for position in positions:
            into[position] = CREATED
        return Postponed([], "")
    again, reason = [], ""
    for position, item in zip(positions, items, strict=True):
        (outcome,) = item.values()
        status = outcome["status"]
        plain = _PLAIN.get(status) or (_EXISTS if status == 409 else None)
        if plain is not None:
            into[position] = plain
        elif status in _AGAIN or outcome.get("error", {}).get("type") == "cluster_block_exception":
            again.append(position)
            reason = reason or _words(outcome)
        else:
            into[position] = _refusal(status, outcome)
    return Postponed(again, reason)


def _refusal(status: int, outcome: dict[str, Any]) -> ItemResult:
    kind = outcome.get("error", {}).get("type", "")
    if status != 400 or kind in _NOT_THE_DOCUMENT:
        raise StoreRefused(
            f"Elasticsearch takes no documents: {_words(outcome)}",
            remedy="more shards than the cluster allows: use a longer partition.period or drop old partitions"
            if "maximum" in _words(outcome)
            else "check rights and state of the index, then run again; what was written stays",
        )
    return ItemResult(status, _words(outcome))


def _words(outcome: dict[str, Any]) -> str:
    error = outcome.get("error", {})
    cause = error.get("caused_by", {}).get("reason")
    text = f"{error.get('type', 'error')}: {error.get('reason', outcome.get('status'))}"
    return f"{text} ({cause})" if cause else text
