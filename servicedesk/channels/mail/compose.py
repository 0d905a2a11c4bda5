"""A kept outbound interaction into a mail (RFC 5322). No value of it can begin a header of its own."""

from __future__ import annotations

from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime

from contracts.clock import parse_iso
from servicedesk.channels.book import INDEX, Document
from servicedesk.channels.mail.loops import LOOP_HEADER, SUPPRESS_HEADER
from servicedesk.channels.words import MARKER, one_line

_POLICY = policy.SMTP.clone(max_line_length=78)


def compose(document: Document, own: str) -> EmailMessage:
    """`own`: the desk's address. Automatic answers carry Auto-Submitted (RFC 3834 §5) and ask Exchange for none
    of its own; all of ours carry X-Loop."""
    said = document[INDEX]
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = one_line(own)
    mail["To"] = one_line(said["recipient"])
    mail["Subject"] = one_line(said.get("subject", ""))
    mail["Date"] = format_datetime(_moment(document))
    mail["Message-ID"] = said["external_id"]
    mail["Reply-To"] = one_line(own)
    if references := [one_line(each) for each in said.get("references", []) if each.startswith("<")]:
        mail["In-Reply-To"] = references[0]
        mail["References"] = " ".join(reversed(references))
    mail[LOOP_HEADER] = one_line(own)
    if said.get("automatic"):
        mail["Auto-Submitted"] = "auto-replied"
        mail[SUPPRESS_HEADER] = "OOF, AutoReply"
    mail.set_content(f"{MARKER}\n\n{said.get('text', '')}\n", cte="quoted-printable")
    return mail


def envelope_sender(document: Document, own: str) -> str:
    """Null for automatic answers, so that nobody bounces or answers them (RFC 3834 §3.3)."""
    return "" if document[INDEX].get("automatic") else own


def _moment(document: Document) -> datetime:
    return parse_iso(document["@timestamp"])
