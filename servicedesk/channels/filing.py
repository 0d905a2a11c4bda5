"""Which ticket a message belongs to, and putting it there. The one place where channels touch tickets.

In this order: a mail that answers a mail of ours, or one that the same person sent before; the ticket that the subject
names, where the sender has to do with that ticket (numbers of tickets can be guessed, our Message-IDs cannot); on channels
without subjects, the ticket that the conversation is about. Else a new ticket. Every step may be done again: the message's
id is in the ticket's history.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.clock import parse_iso
from contracts.errors import UserError
from contracts.sentences import sentence
from infrastructure.store import Store
from servicedesk import lifecycle
from servicedesk.channels.book import INDEX, Document, Interactions
from servicedesk.channels.mail.threads import ours
from servicedesk.channels.message import EMAIL, interaction_id
from servicedesk.channels.words import one_line
from servicedesk.desk import TicketDesk
from servicedesk.newticket import NewTicket

MOST_COMMENT = 8_000  # characters in the ticket; the interaction holds the whole
CONVERSATION = timedelta(days=3)  # a chat or message this long after the last one is about something else
_TITLE = 120
_MERGES = 5  # followed at most
_ANSWERED = ("pending", "resolved")  # whoever answers has not been helped yet


class Filing:
    def __init__(self, store: Store, desk: TicketDesk, book: Interactions) -> None:
        self._store, self._desk, self._book = store, desk, book

    def file(self, key: str, document: Document) -> tuple[str, bool]:
        """Puts a message (its document in `interaction`) into its ticket. The ticket's id, and whether it was opened for it."""
        ticket = self._living(self._belongs(document))
        if ticket:
            self._add(ticket, key, document)
            return ticket, False
        return self._open(key, document), True

    def _belongs(self, document: Document) -> str:
        own = document[INDEX]
        if own["channel"] != EMAIL:
            return own.get("ticket", "") or self._conversation(document)
        return self._answered(own) or (own["ticket"] if self._may_name(document) else "")

    def _answered(self, own: Document) -> str:
        """The ticket of the nearest message that it answers and that is ours or the sender's."""
        references = own.get("references", [])
        keys = [*ours(references), *(interaction_id(EMAIL, each, own.get("sender", "")) for each in references)]
        known = self._book.known(keys)
        return next((found for key in keys if (found := known.get(key, {}).get(INDEX, {}).get("ticket", ""))), "")

    def _may_name(self, document: Document) -> bool:
        """Whether the sender has to do with the ticket that the subject names."""
        named, sender = document[INDEX].get("ticket", ""), document[INDEX].get("sender", "")
        found = self._store.get("ticket", named) if named else None
        if found is None:
            return False
        owners = found.source.get("customer", {}).get("id", [])
        customer = document.get("customer", {}).get("id", "")
        if customer and customer in ([owners] if isinstance(owners, str) else owners):
            return True
        either = [{"term": {f"interaction.{side}": sender}} for side in ("sender", "recipient")]
        at_it = [
            {"term": {"interaction.ticket": named}},
            {"terms": {"interaction.status": ["filed", "sent"]}},
        ]
        self._store.refresh(INDEX)
        query = {"bool": {"filter": at_it, "should": either, "minimum_should_match": 1}}
        return self._store.count(INDEX, query) > 0

    def _conversation(self, document: Document) -> str:
        """The ticket that the conversation was about lately."""
        conversation = document[INDEX].get("conversation", "")
        since = parse_iso(document["@timestamp"]) - CONVERSATION
        for row in self._book.list(conversation=conversation, limit=20) if conversation else ():
            if row[INDEX].get("ticket") and parse_iso(row["@timestamp"]) >= since:
                return str(row[INDEX]["ticket"])
        return ""

    def _living(self, key: str) -> str:
        """That ticket, or the one it was merged into; "" when it is closed or not there: then a new one is opened."""
        for _ in range(_MERGES):
            found = self._store.get("ticket", key) if key else None
            if found is None:
                return ""
            merged = found.source["ticket"].get("merged_into", "")
            if not merged:
                return "" if lifecycle.state_of(found.source) == "closed" else key
            key = merged
        return ""

    def _add(self, ticket: str, key: str, document: Document) -> None:
        at, text, by = _told(document)

        def added(source: Document) -> Document | None:
            if lifecycle.told_by(source, key):
                return None
            if lifecycle.state_of(source) in _ANSWERED:
                return lifecycle.moved(source, "open", at, by, text, key)
            return lifecycle.noted(source, at, by, text, key)

        self._desk.change(ticket, added)

    def _open(self, key: str, document: Document) -> str:
        own = document[INDEX]
        at, text, by = _told(document)
        title = own.get("subject", "") or one_line(own.get("text", ""), _TITLE)
        customer = document.get("customer", {}).get("id", "")
        more = NewTicket(origin="customer", channel=own["channel"], language=own.get("language", ""))
        ticket = self._desk.create(
            INDEX,
            key,
            title=title or f"{own['channel']} from {own.get('sender', 'somebody')}",
            body=text,
            priority="medium",
            by=by,
            category="customer",
            comment=sentence("opened by %(by)s", by=own["channel"]),
            notification=key,
            customers=[customer] if customer else [],
            at=at,
            more=more,
        )
        return ticket.id

    def reply(self, ticket: str, key: str, text: str, by: str, at: datetime) -> None:
        """What an agent answered, in the ticket's history; once."""

        def answered(source: Document) -> Document | None:
            if lifecycle.told_by(source, key):
                return None
            if lifecycle.state_of(source) == "new":
                source = lifecycle.moved(source, "open", at, by)
            return lifecycle.noted(source, at, by, one_comment(text), key)

        self._desk.change(ticket, answered)

    def undelivered(self, ticket: str, key: str, why: str) -> None:
        """An answer that never arrived, as a comment; once. A closed ticket takes none."""
        mark = f"undelivered:{key}"

        def told(source: Document) -> Document | None:
            if lifecycle.told_by(source, mark) or lifecycle.state_of(source) == "closed":
                return None
            return lifecycle.noted(source, self._desk.clock(), lifecycle.BY, one_comment(why), mark)

        self._desk.change(ticket, told)

    def newest(self, ticket: str) -> Document:
        """The customer's last message in a ticket. Raises UserError when nobody wrote."""
        for row in self._book.list(ticket=ticket, direction="inbound", limit=1):
            return row
        raise UserError("no customer wrote in this ticket", where=ticket, remedy="see `busyhour channel list`")


def one_comment(text: str) -> str:
    return text if len(text) <= MOST_COMMENT else text[: MOST_COMMENT - 1] + "…"


def _told(document: Document) -> tuple[datetime, str, str]:
    own = document[INDEX]
    return parse_iso(document["@timestamp"]), one_comment(own.get("text", "") or "(no text)"), _writer(document)


def _writer(document: Document) -> str:
    """Who made the change, in a form that tells customers from agents (`lifecycle.is_agent`)."""
    own = document[INDEX]
    customer, sender = document.get("customer", {}).get("id", ""), own.get("sender", "") or "somebody"
    if customer or "@" in sender or sender.startswith("+"):
        return customer or sender
    return f"{sender}@{own['channel']}"
