"""The way of a message, whatever its channel: kept → judged → who it is → its ticket → answered → marked. The order is here.

Every step has a deterministic id, so that a message that comes twice, or again after a kill between any two steps, is kept
once, filed once and answered once. What was received and not filed is finished by `settle`.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from functools import cached_property

from contracts.clock import Clock, utc_now
from contracts.errors import SettingError, UserError
from contracts.ids import joined
from infrastructure.store import Store
from servicedesk.attachments import attach
from servicedesk.channels import texts
from servicedesk.channels.book import INDEX, Document, Interactions, document
from servicedesk.channels.filing import Filing
from servicedesk.channels.limits import SenderLimit
from servicedesk.channels.mail.threads import message_id, with_ticket
from servicedesk.channels.message import (
    BOUNCED,
    CHAT,
    EMAIL,
    FAILED,
    FILED,
    IGNORED,
    OUTBOUND,
    PENDING,
    RECEIVED,
    REFUSED,
    SENT,
    Inbound,
    conversation_id,
)
from servicedesk.channels.outbox import Outbox
from servicedesk.channels.people import customer_of, language_of
from servicedesk.channels.web.adapters import Report
from servicedesk.channels.web.sending import Sender, senders
from servicedesk.channels.words import MOST_TEXT, one_line
from servicedesk.desk import TicketDesk
from servicedesk.ticket import Ticket

_log = logging.getLogger("busyhour.channels")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message. `new`: it was not there before; `reason`: why it was not filed, or not answered."""

    id: str
    status: str
    ticket: str = ""
    reason: str = ""
    new: bool = False

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class Channels:
    """All channels of one desk. Safe for threads."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self.store, self.clock = store, clock
        self._desk = TicketDesk(store, clock)
        self.book = Interactions(store, clock)
        self.outbox = Outbox(self.book, self._undelivered)
        self.address = store.settings.text("channel.mail.address").strip().casefold()
        self._filing = Filing(store, self._desk, self.book)
        self._limit = SenderLimit(self.book, store.settings.number("channel.mail.hourly"))

    @property
    def domain(self) -> str:
        """What stands behind the @ of our Message-IDs."""
        return self.address.partition("@")[2] or "busyhour.invalid"

    def receive(self, message: Inbound, customer: str = "") -> Receipt:
        """Takes a message; `customer`: whose it is, where the channel itself proves that.

        Raises StoreUnavailable while Elasticsearch is away: deliver it again then.
        """
        known = self.book.get(message.id)
        if known is not None and known[INDEX]["status"] != RECEIVED:
            if known[INDEX]["status"] == FILED:  # `settle` may have filed it, which has no files to keep
                self._keep_files(known[INDEX].get("ticket", ""), message, known)
            return _receipt(message.id, known)
        if known is not None:
            return self._finish(message.id, known, message)
        status, reason = self._judged(message)
        kept = self._identified(document(message, self.clock(), status=status, reason=reason), customer)
        if not self.book.keep(message.id, kept):  # somebody else took it at the same moment
            return self.receive(message, customer)
        if status != RECEIVED:
            _log.info("%s from %s %s: %s", message.channel, message.sender, status, reason)
            self._told_off(message, kept)
            return Receipt(message.id, status, "", reason, new=True)
        return self._finish(message.id, kept, message)

    def settle(self) -> int:
        """Files what was received and not filed; how many."""
        done = 0
        for key, kept in self.book.unfinished():
            self._finish(key, kept, None)
            done += 1
        return done

    def reply(self, ticket: str, text: str, *, by: str) -> str:
        """An agent's answer to whoever wrote last in a ticket, by the channel they used; the interaction's id.

        It is a comment of the ticket too. The same text by the same agent to the same message goes once. Raises UserError
        when nobody wrote, or by a channel that takes no answers, or none so long; SettingError where the desk has no address.
        """
        last = self._filing.newest(ticket)
        channel = last[INDEX]["channel"]
        if channel == EMAIL and not self.address:
            raise SettingError("is not set", where="channel.mail.address", remedy="set it to the desk's address")
        if not self._takes(channel):
            raise UserError(f"{channel} takes no answers from here", where=ticket, remedy="call or write yourself")
        if not text.strip():
            raise UserError("the answer is empty", where=ticket)
        longest = self.senders[channel].longest if channel in self.senders else MOST_TEXT
        if len(text) > longest:
            raise UserError(f"{channel} takes {longest:,} characters at once, not {len(text):,}", where=ticket)
        key = joined(("reply", last["id"], by, text))
        self.answer(key, last, text, ticket=ticket, by=by, automatic=False)
        self._filing.reply(ticket, key, text, by, self.clock())
        return key

    def tell(self, ticket: str, mark: str) -> None:
        """Tells the customers of a ticket that its cause is over (`desk.Tell`), once for a mark: by the channel that they
        used, else by mail where their address is known. Who is only named in an alert's ticket asked nothing, and is not told.
        """
        key, found = joined(("told", ticket, mark)), self._desk.get(ticket)
        try:
            last = self._filing.newest(ticket)
        except UserError:
            last = {INDEX: {"channel": ""}}
        if self.takes(last):
            self.answer(key, last, texts.text("cause_over", self.language(last), ticket=ticket), ticket=ticket)
        elif found.origin != "alert" and self.address:
            for customer in found.customer_ids:
                self._write_to(joined((key, customer)), customer, found)

    def reported(self, channel: str, report: Report) -> bool:
        """What a messaging service says became of an answer of ours; whether it was known."""
        key = report.key if self._is_ours(report.key, channel) else self.book.outbound(channel, report.external_id)
        if not key:
            return False
        if report.failed:
            known = self.book.get(key)
            if known is not None and known[INDEX]["status"] != FAILED:
                self._undelivered(key, known, report.failed)
                self.book.mark(key, status=FAILED, reason=one_line(report.failed))
        else:
            more = {"external_id": report.external_id} if report.external_id else {}
            self.book.mark(key, unless=FAILED, status=SENT, **more)
        return True

    @cached_property
    def senders(self) -> dict[str, Sender]:
        """Messaging services that answers can be sent to, by channel. Raises SettingError."""
        return senders(self.store.settings)

    def takes(self, to: Document) -> bool:
        """Whether an answer to this message can go by its channel."""
        return bool(to[INDEX].get("sender")) and self._takes(to[INDEX]["channel"])

    def _takes(self, channel: str) -> bool:
        return channel == CHAT or (channel == EMAIL and bool(self.address)) or channel in self.senders

    def _is_ours(self, key: str, channel: str) -> bool:
        known = self.book.get(key) if key else None
        return known is not None and (known[INDEX]["channel"], known[INDEX]["direction"]) == (channel, OUTBOUND)

    def _undelivered(self, key: str, document: Document, why: str) -> None:
        """The agent sees in the ticket that an answer never arrived; once."""
        ticket = document[INDEX].get("ticket", "")
        if ticket:
            self._filing.undelivered(ticket, key, one_line(f"not delivered by {document[INDEX]['channel']}: {why}"))

    def _write_to(self, key: str, customer: str, ticket: Ticket) -> None:
        """A mail to a customer who called, or whose ticket an agent opened."""
        found = self.store.get("customer", customer)
        address = str(found.source["customer"].get("email", "")) if found else ""
        if "@" not in address:
            return
        self.outbox.put(
            key,
            recipient=address,
            subject=with_ticket(ticket.title, ticket.id),
            text=texts.text("cause_over", language_of(self.store, customer), ticket=ticket.id),
            conversation=conversation_id(customer, ""),
            external_id=message_id(key, self.domain),
            ticket=ticket.id,
            customer=customer,
            automatic=True,
        )

    def _judged(self, message: Inbound) -> tuple[str, str]:
        """Status and reason. A mail of a machine does not count towards its sender's limit, and is never answered."""
        if message.refused:
            return REFUSED, message.refused
        if message.automatic:
            return IGNORED, message.automatic
        if message.channel == EMAIL and self._limit.reached(message.sender, self.clock()):
            return BOUNCED, f"more than {self.store.settings.number('channel.mail.hourly')} mails an hour"
        return RECEIVED, message.unanswered

    def _identified(self, kept: Document, customer: str) -> Document:
        """With the customer and the conversation. A bomb is not looked at any closer, and its text is not kept."""
        own = kept[INDEX]
        if own["status"] in (BOUNCED, REFUSED):
            own = {name: value for name, value in own.items() if name not in ("text", "language", "attachments")}
            return {**kept, INDEX: {**own, "conversation": conversation_id("", own.get("sender", ""))}}
        customer = customer or customer_of(self.store, own.get("sender", ""))
        own = {**own, "conversation": own.get("conversation") or conversation_id(customer, own.get("sender", ""))}
        return {**kept, INDEX: own} | ({"customer": {"id": customer}} if customer else {})

    def _finish(self, key: str, kept: Document, message: Inbound | None) -> Receipt:
        ticket, opened = self._filing.file(key, kept)
        if message is not None:
            self._keep_files(ticket, message, kept)
        silent = kept[INDEX]["channel"] != EMAIL or kept[INDEX].get("reason")  # which says that it asks for no answer
        if opened and not silent and self.store.settings["channel.mail.acknowledge"]:
            said = texts.text("acknowledged", self.language(kept), ticket=ticket)
            self.answer(joined(("acknowledged", key)), kept, said, ticket=ticket)
        after = self.book.mark(key, status=FILED, ticket=ticket)
        return _receipt(key, after, new=True)

    def _keep_files(self, ticket: str, message: Inbound, kept: Document) -> None:
        """Files with the ticket, each once. One that the desk does not take is told of in the log, and stops nothing."""
        for file in message.attachments:
            try:
                attach(self._desk, ticket, file.name, file.content, by=kept[INDEX].get("sender", ""))
            except UserError as error:
                _log.info("file %s of %s not kept: %s", file.name, ticket, error.what)

    def _told_off(self, message: Inbound, kept: Document) -> None:
        """Tells a person, once an hour at most, that their mails are not read. Nothing is said to machines."""
        status = kept[INDEX]["status"]
        machine = message.automatic or message.unanswered or status == IGNORED
        if message.channel != EMAIL or machine or not message.sender:
            return
        name = "bounced" if status == BOUNCED else "refused"
        hour = self.clock().strftime("%Y-%m-%dT%H")
        said = texts.text(name, self.language(kept), why=kept[INDEX].get("reason", ""))
        self.answer(joined((name, message.sender, hour)), kept, said)

    def language(self, kept: Document) -> str:
        detected = kept[INDEX].get("language", "")
        return detected or language_of(self.store, kept.get("customer", {}).get("id", ""))

    def answer(
        self,
        key: str,
        to: Document,
        said: str,
        *,
        ticket: str = "",
        by: str = "busyhour",
        automatic: bool = True,
        subject: str = "",
    ) -> bool:
        """Writes an answer down, by the channel of what it answers; whether it was new. Nothing where that takes none."""
        own = to[INDEX]
        mail = own["channel"] == EMAIL
        if not self.takes(to):
            return False
        theirs = own.get("subject", "")
        subject = subject or (theirs if theirs.casefold().startswith("re:") else f"Re: {theirs}")
        return self.outbox.put(
            key,
            channel=own["channel"],
            recipient=own["sender"],
            subject=with_ticket(subject, ticket) if mail else "",
            text=said,
            conversation=own["conversation"],
            external_id=message_id(key, self.domain) if mail else key,
            references=(own["external_id"], *own.get("references", ())[:10]),
            ticket=ticket,
            customer=to.get("customer", {}).get("id", ""),
            by=by,
            automatic=automatic,
            status=SENT if own["channel"] == CHAT else PENDING,  # a chat's reader fetches it
        )


def _receipt(key: str, kept: Document, *, new: bool = False) -> Receipt:
    own = kept[INDEX]
    return Receipt(key, own["status"], own.get("ticket", ""), own.get("reason", ""), new=new)
