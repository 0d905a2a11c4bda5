"""What the desk says: first written down, then sent, then marked. Retried with growing pauses, and given up in the end.

A sender takes a mail by a guarded write (`sending`, until its turn ends), so that two never send the same one. Killed
between the other server's "250" and the mark, the mail is sent a second time when the turn has ended, under the same
Message-ID, by which mail systems tell it is the same: at least once, never lost.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from contracts.clock import iso
from contracts.errors import ConflictError
from servicedesk.channels.book import INDEX, Document, Interactions
from servicedesk.channels.message import EMAIL, FAILED, OUTBOUND, PENDING, SENDING, SENT
from servicedesk.channels.words import one_line, tidy

MOST_TRIES = 17  # with pauses of 1, 2, 4 … 360 minutes: two days, as RFC 5321 §4.5.4.1 has it at least
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=6)
TURN = timedelta(minutes=15)  # longer than sending one can take, by the time limits of the connection
_BATCH = 200


class SendError(Exception):
    """Base of what goes wrong with one sending; the text says what."""


class NotNow(SendError):
    """This one may go later (4xx)."""


class Never(SendError):
    """This one never goes (5xx)."""


class Away(SendError):
    """The other side does not answer: nothing goes now."""


Send = Callable[[Document], str | None]  # the other system's id of it, where it gives one; raises SendError
Undelivered = Callable[[str, Document, str], object]  # key, document and why it never goes


@dataclass(slots=True)
class Tally:
    """What became of what was due."""

    sent: int = 0
    failed: int = 0
    pending: int = 0
    problems: list[str] = field(default_factory=list)


class Outbox:
    """`undelivered` is told of what is given up, before that is marked; told twice when that is killed in between."""

    def __init__(self, book: Interactions, undelivered: Undelivered = lambda *_: None) -> None:
        self._book, self._undelivered = book, undelivered

    def put(
        self,
        key: str,
        *,
        recipient: str,
        subject: str,
        text: str,
        conversation: str,
        external_id: str,
        ticket: str = "",
        customer: str = "",
        references: tuple[str, ...] = (),
        by: str = "busyhour",
        automatic: bool = False,
        channel: str = EMAIL,
        status: str = PENDING,
    ) -> bool:
        """Writes it down under `key`, once however often it is called; whether it was new."""
        now = iso(self._book.clock())
        body: dict[str, Any] = {
            "channel": channel,
            "direction": OUTBOUND,
            "status": status,
            "conversation": conversation,
            "external_id": external_id,
            "recipient": one_line(recipient),
            "subject": one_line(subject),
            "text": tidy(text),
            "references": list(references),
            "ticket": ticket,
            "by": one_line(by),
        }
        body = {name: value for name, value in body.items() if value not in ("", [])}
        body |= {"automatic": automatic, "attempts": 0} | ({"next_try": now} if status == PENDING else {})
        document: Document = {"@timestamp": now, "event": {"ingested": now}, INDEX: body}
        document |= {"customer": {"id": customer}} if customer else {}
        return self._book.keep(key, document)

    def run(self, send: Send, channel: str = EMAIL, within_sec: float = math.inf) -> Tally:
        """Sends what is due, oldest first. Stops at the first sign that the other side is away.

        `send` is given the interaction with its key as `id`. After `within_sec` no further one is begun.
        """
        tally, end = Tally(), time.monotonic() + within_sec
        for number, (key, document) in enumerate(self._due(channel)):
            if number and time.monotonic() >= end:
                break
            taken = self._take(key, document)
            if taken is None:
                continue
            try:
                name = send({**taken, "id": key})
            except Away as error:
                self._later(key, taken, str(error), tally, counts=False)
                return tally
            except NotNow as error:
                self._later(key, taken, str(error), tally)
            except Never as error:
                self._given_up(key, taken, str(error), tally)
            else:
                # A message that the other side reported as failed meanwhile stays so.
                self._book.mark(key, unless=FAILED, status=SENT, reason="", **({"external_id": name} if name else {}))
                tally.sent += 1
        return tally

    def _due(self, channel: str) -> Iterator[tuple[str, Document]]:
        self._book.store.refresh(INDEX)
        filters = [
            {"term": {"interaction.channel": channel}},
            {"terms": {"interaction.status": [PENDING, SENDING]}},
            {"range": {"interaction.next_try": {"lte": iso(self._book.clock())}}},
        ]
        sort = [{"interaction.next_try": "asc"}, {"interaction.external_id": "asc"}]
        query = {"bool": {"filter": filters}}
        for hit in self._book.store.search(INDEX, query=query, size=_BATCH, sort=sort)["hits"]["hits"]:
            yield hit["_id"], hit["_source"]

    def _take(self, key: str, seen: Document) -> Document | None:
        """The mail in our hands until the turn ends; None when somebody else has it, or it is finished."""
        found = self._book.store.get(INDEX, key)
        if found is None or found.source[INDEX] != seen[INDEX]:
            return None
        now = self._book.clock()
        attempts = int(found.source[INDEX].get("attempts", 0)) + 1
        own = {**found.source[INDEX], "status": SENDING, "attempts": attempts, "next_try": iso(now + TURN)}
        source = {**found.source, INDEX: own, "event": {"ingested": iso(now)}}
        try:
            return self._book.store.replace(found, source).source
        except ConflictError:
            return None

    def _later(self, key: str, taken: Document, why: str, tally: Tally, *, counts: bool = True) -> None:
        attempts = int(taken[INDEX]["attempts"])
        if counts and attempts >= MOST_TRIES:
            self._given_up(key, taken, f"given up after {attempts} tries: {why}", tally)
            return
        tally.pending += 1
        tally.problems.append(why)
        again = iso(self._book.clock() + _pause(attempts))
        kept = attempts if counts else attempts - 1
        self._book.mark(key, status=PENDING, next_try=again, reason=one_line(why), attempts=kept)

    def _given_up(self, key: str, taken: Document, why: str, tally: Tally) -> None:
        self._undelivered(key, taken, why)
        self._book.mark(key, status=FAILED, reason=one_line(why))
        tally.failed += 1
        tally.problems.append(why)


def _pause(attempts: int) -> timedelta:
    return min(_FIRST_PAUSE * (1 << (attempts - 1)), _LONGEST_PAUSE)
