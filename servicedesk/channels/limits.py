"""How many messages of one sender are taken: a mail bomb is counted and bounced, and costs the desk nothing else."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from servicedesk.channels.book import Interactions

HOUR = timedelta(hours=1)
_ANEW = timedelta(minutes=5)  # after this long the store is asked again: others may have taken some too
_MOST_SENDERS = 10_000


class SenderLimit:
    """At most `hourly` messages of a sender within an hour, whoever took them. Bounded memory."""

    def __init__(self, book: Interactions, hourly: int) -> None:
        self._book, self._hourly = book, hourly
        self._seen: OrderedDict[str, tuple[datetime, int]] = OrderedDict()  # asked when, taken since or before

    def reached(self, sender: str, now: datetime) -> bool:
        """Whether no more is to be taken; counts this one where there is room."""
        asked, taken = self._seen.pop(sender, (None, 0))
        if asked is None or now - asked > _ANEW:
            asked, taken = now, self._book.taken_of(sender, now, HOUR)
        full = taken >= self._hourly
        self._seen[sender] = (asked, taken if full else taken + 1)
        if len(self._seen) > _MOST_SENDERS:
            self._seen.popitem(last=False)
        return full
