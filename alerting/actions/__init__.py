"""The kinds of action: one file each, behind one protocol. A new kind is a new file, a line here and one in the schema."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from alerting.actions.index import IndexAction
from alerting.actions.log import LogAction
from alerting.actions.ticket import TicketAction
from alerting.actions.webhook import WebhookAction
from alerting.alert import Notice, Outcome
from alerting.ports import TicketOpener
from infrastructure.store import Store


class Performer(Protocol):
    """`perform` may be called again with the same notice after a crash: it must then not act twice, or say that it may.

    `destination`: "" when it acts inside the store, at once; else whom it sends to, in a queue of its own.
    """

    def destination(self, notice: Notice) -> str: ...

    def perform(self, notice: Notice) -> Outcome: ...


def performers(
    store: Store, opener: TicketOpener | None, secrets: Mapping[str, str] = MappingProxyType({})
) -> Mapping[str, Performer]:
    """One of each kind that a watch describes whole. `secrets`: of webhooks that are signed, by target."""
    timeout = store.settings.number("alert.webhook.timeout.sec")
    return {
        "logging": LogAction(),
        "index": IndexAction(store),
        "webhook": WebhookAction(timeout_sec=timeout, secrets=secrets),
        "ticket": TicketAction(opener),
    }
