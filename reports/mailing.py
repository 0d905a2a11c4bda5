"""A report by mail: a page with its pictures and the PDF beside it, to a target of alerting's, once a period."""

from __future__ import annotations

import html as escaping
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

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
    """Sends the report of a period to a target of the file alert.notify.file, once; False: it was sent before.

    Raises SettingError on an unknown target, OperatorError where it cannot be delivered: it is not marked as sent then.
    """
    from apprise import Apprise, NotifyFormat

    target = known_target(to, notifications_of(store.settings).targets, "--mail")
    if target.kind != "apprise":
        raise UserError("is a webhook, which takes no report", where=f"--mail {to}", remedy="name a mail target")
    key = f"{JOB}-{joined((to, content.title, iso(content.start), iso(content.end)))}"
    if not again and store.get("job", key) is not None:
        return False
    letter = mail(content)
    plugin = Apprise.instantiate(target.address, suppress_exceptions=True)
    if plugin is None:
        raise OperatorError("its address is none that apprise knows", where=f"target {to}")
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


def _line(text: str) -> str:
    """One line without control characters: a header of a mail is made of it."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", escaping.unescape(text))[:200]
