"""A mail as delivered, bytes that anybody may have written, into a message. Never raises: what cannot be read says so."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from email import policy
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import parseaddr

from servicedesk.channels.mail.loops import automatic, unanswered
from servicedesk.channels.mail.threads import ids, references, ticket_in
from servicedesk.channels.message import EMAIL, Attached, Inbound
from servicedesk.channels.words import answer, from_html, one_line, tidy

MOST_HEADERS = 65_536  # bytes; real ones have about 5,000, and the parser's time grows with their square
MOST_CONTENT_HEADER = 4_096  # of one Content-Type and the like, in any part
MOST_NESTED = 20  # parts that hold parts; each line is held against every boundary that is open
MOST_PARTS = 200
MOST_ATTACHMENTS = 20
# What the standard parser is known to raise on hostile input, beside its own errors.
_PARSER = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError)
_CONTENT = re.compile(rb"^content-[a-z-]{1,40}:[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE)
_HOLDS_PARTS = re.compile(rb"\A[^:]*:\s*(?:multipart|message)/", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]{1,64}@[^\s<>()\[\],;:\"@]{1,255}")


def parse(
    raw: bytes, received: datetime, *, own: str = "", most_bytes: int, null_path: bool = False, size: int = 0
) -> Inbound:
    """`own`: the desk's address; `null_path`: the envelope had no sender (SMTP's MAIL FROM:<>).

    `size`: bytes of the whole mail, where `raw` is its headers only.
    """
    problem = _outside(raw, size or len(raw), most_bytes)
    if problem:
        return _refused(raw, received, problem, own=own, null_path=null_path)
    try:
        message = BytesParser(policy=policy.default).parsebytes(raw)
        return _read(message, raw, received, own=own, null_path=null_path)
    except _PARSER as error:
        return _refused(raw, received, f"cannot be read: {type(error).__name__}", own=own, null_path=null_path)


def _outside(raw: bytes, size: int, most_bytes: int) -> str:
    if size > most_bytes:
        return f"{size:,} bytes, more than {most_bytes:,}"
    if _head_length(raw) > MOST_HEADERS:
        return "headers too long"
    nested = 0
    for found in _CONTENT.finditer(raw):
        if len(found.group()) > MOST_CONTENT_HEADER:
            return "a header too long"
        nested += _HOLDS_PARTS.search(found.group()) is not None
    return f"more than {MOST_NESTED} parts that hold others" if nested > MOST_NESTED else ""


def _head_length(raw: bytes) -> int:
    ends = [end for end in (raw.find(b"\r\n\r\n"), raw.find(b"\n\n")) if end >= 0]
    return min(ends, default=len(raw))


def _read(message: EmailMessage, raw: bytes, received: datetime, *, own: str, null_path: bool) -> Inbound:
    parts = _parts(message)
    if len(parts) > MOST_PARTS:
        return _refused(raw, received, f"more than {MOST_PARTS} parts", own=own, null_path=null_path)
    name, sender = _address(_header(message, "From"))
    subject = _header(message, "Subject")
    own_id = ids(_header(message, "Message-ID"))
    return Inbound(
        channel=EMAIL,
        external_id=own_id[0] if own_id else f"sha256:{hashlib.sha256(raw).hexdigest()}",
        sender=sender,
        name=name,
        recipient=_address(_header(message, "To"))[1],
        subject=subject,
        text=answer(_text(message, parts)),
        at=received,
        references=references(_header(message, "In-Reply-To"), _header(message, "References")),
        ticket=ticket_in(subject),
        attachments=tuple(_attached(parts)),
        size=len(raw),
        automatic="null return path" if null_path else automatic(message, sender, own),
        refused="" if "@" in sender else "it has no sender",
        unanswered=unanswered(message),
    )


def _header(message: Message, name: str) -> str:
    """A header's value, one line; of several the first. One that cannot be parsed is taken as it stands."""
    try:
        return one_line((message.get_all(name) or [""])[0], 16_000)
    except _PARSER:
        raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
        return one_line(raw)


def _address(value: str) -> tuple[str, str]:
    """Name and address (lower case) of the first mailbox; where the list cannot be parsed, the first thing like an address."""
    try:
        name, address = parseaddr(value[:2000])
    except _PARSER:
        name, address = "", ""
    if not _ADDRESS.fullmatch(address):
        found = _ADDRESS.search(value)
        address = found.group() if found else ""
    return one_line(name), address.casefold()


def _parts(message: EmailMessage) -> list[Message]:
    found: list[Message] = []
    for part in message.walk():
        found.append(part)
        if len(found) > MOST_PARTS:
            break
    return found


def _text(message: EmailMessage, parts: Iterable[Message]) -> str:
    """Plain text where there is some, else the words of the HTML."""
    try:
        body: Message | None = message.get_body(("plain", "html"))
    except _PARSER:
        body = None
    texts = [part for part in parts if part.get_content_maintype() == "text" and not _is_file(part)]
    for part in [body, *texts] if body is not None else texts:
        if part is None or part.is_multipart():
            continue
        text = _decoded(part)
        text = from_html(text) if part.get_content_subtype() == "html" else tidy(text)
        if text:
            return text
    return ""


def _decoded(part: Message) -> str:
    """By the charset it names, if that is one and fits; else UTF-8; else Windows-1252, which takes nearly every byte."""
    content = _content(part)
    for charset in (part.get_content_charset(""), "utf-8"):
        try:
            return content.decode(charset or "utf-8")
        except (UnicodeError, LookupError, ValueError):
            continue
    return content.decode("cp1252", "replace")


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else str(content or "").encode("utf-8", "replace")


def _is_file(part: Message) -> bool:
    try:
        return part.get_content_disposition() == "attachment" or part.get_filename() is not None
    except _PARSER:
        return True


def _attached(parts: Iterable[Message]) -> Iterator[Attached]:
    files = [part for part in parts if not part.is_multipart() and _is_file(part)]
    for number, part in enumerate(files[:MOST_ATTACHMENTS], 1):
        content = _content(part)
        try:
            name = one_line(part.get_filename() or "", 200)
        except _PARSER:
            name = ""
        kind = one_line(part.get_content_type(), 100)
        yield Attached(name or f"file-{number}", kind, len(content), hashlib.sha256(content).hexdigest(), content)


def _refused(raw: bytes, received: datetime, why: str, *, own: str, null_path: bool) -> Inbound:
    """What is not read is told from the first part of its headers only: who is to hear of it, unless it is a machine."""
    head = BytesParser(policy=policy.default).parsebytes(raw[: min(_head_length(raw), 8192)], headersonly=True)
    sender = _address(_header(head, "From"))[1]
    found = ids(_header(head, "Message-ID"))
    try:
        machine, quiet = "null return path" if null_path else automatic(head, sender, own), unanswered(head)
    except _PARSER:
        machine, quiet = "headers that cannot be read", ""
    return Inbound(
        channel=EMAIL,
        external_id=found[0] if found else f"sha256:{hashlib.sha256(raw).hexdigest()}",
        sender=sender,
        text="",
        at=received,
        subject=_header(head, "Subject"),
        size=len(raw),
        automatic=machine,
        refused=why,
        unanswered=quiet,
    )
