"""A report by mail: a page with its pictures and the PDF beside it, to a target of alerting's, once a period."""

from __future__ import annotations

import html as escaping
import re
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from alerting.notify.library import plugin_of
from alerting.notify.senders import KEY_HEADER
from alerting.notify.targets import known_target, notifications_of
from contracts.clock import iso
from contracts.errors import OperatorError, UserError
from contracts.ids import joined
from infrastructure.store import Store
from reports.content import Content
from reports.html import page
from reports.pdf import document
from reports.pictures import Picture, pictures

JOB = "report-mail"


class Attachment(NamedTuple):
    name: str
    kind: str
    body: bytes


class Mail(NamedTuple):
    """`html` shows its pictures as data; `text` is for those who read no HTML."""

    subject: str
    html: str
    text: str
    attachments: tuple[Attachment, ...]


def mail(content: Content, shots: Sequence[Picture] | None = None) -> Mail:
    """Subject, page, text, and the report as PDF."""
    found = pictures(content) if shots is None else list(shots)
    subject = _line(
        f"{content.title}: {content.held} of {content.aimed} targets held, {content.incidents_in_all} incidents"
    )
    missed = "\n".join(f"- {line.name}, {line.entity}: {line.level}" for line in content.missed)
    text = f"{content.headline()}\n\n{'Missed:' if missed else 'No target was missed.'}\n{missed}\n"
    name = f"kpi-report-{content.start:%Y-%m-%d}.pdf"
    body = document(content, found)
    return Mail(subject, page(content, found), text, (Attachment(name, "application/pdf", body),))


def send(store: Store, content: Content, to: str, *, again: bool = False) -> bool:
    """Sends the report of a period to a target of the file alert.notify.file; False: it was sent before.

    At least once, and once unless it is killed between the server's yes and our note of it: then the next run sends it again,
    with the same key in the header X-Busyhour-Notification.

    Raises SettingError on an unknown target, OperatorError where it cannot be delivered: it is not marked as sent then.
    """
    from apprise import NotifyFormat

    target = known_target(to, notifications_of(store.settings).targets, "--mail")
    if target.kind != "apprise":
        raise UserError("is a webhook, which takes no report", where=f"--mail {to}", remedy="name a mail target")
    key = _key(to, content.title, content.start, content.end)
    if not again and store.get("job", key) is not None:
        return False
    letter = mail(content)
    plugin = plugin_of(target.address)
    if plugin is None:
        raise OperatorError("its address is none that apprise knows", where=f"target {to}")
    if isinstance(getattr(plugin, "headers", None), dict):
        plugin.headers[KEY_HEADER] = key
    with tempfile.TemporaryDirectory(prefix="busyhour-report-") as folder:
        files = []
        for attachment in letter.attachments:
            path = Path(folder) / attachment.name
            path.write_bytes(attachment.body)
            files.append(str(path))
        if not plugin.notify(body=letter.html, title=letter.subject, body_format=NotifyFormat.HTML, attach=files):
            raise OperatorError(
                "the report could not be delivered", where=f"target {to}", remedy="look at its server's log"
            )
    now = iso(store.clock())
    entry = {"event": {"ingested": now}, "job": {"name": JOB, "checkpoint": now, "detail": letter.subject}}
    store.modify("job", key, lambda _: entry, create=lambda: entry)
    return True


def booked(store: Store, to: str, title: str, start: datetime, end: datetime) -> bool:
    """Whether that report was sent to that target."""
    return store.get("job", _key(to, title, start, end)) is not None


def _key(to: str, title: str, start: datetime, end: datetime) -> str:
    return f"{JOB}-{joined((to, title, iso(start), iso(end)))}"


def _line(text: str) -> str:
    """One line without control characters: a header of a mail is made of it."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", escaping.unescape(text))[:200]
