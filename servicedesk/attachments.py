"""Files of tickets: checked by their content, limited in size, kept in the store in pieces.

They are in Elasticsearch and not in a folder of some machine, so that they have the rights and the backup of everything
else, and that every console and job sees them. A piece is small enough for one bulk request; the first one, which
tells of the file, is written last: a file appears whole or not at all.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import filetype
import orjson

from contracts.clock import iso, parse_iso
from contracts.errors import UserError
from contracts.ids import joined
from contracts.sentences import sentence
from infrastructure.store import Operation, Store
from servicedesk import lifecycle
from servicedesk.desk import TicketDesk
from servicedesk.lifecycle import Document

PIECE = 512 * 1024  # bytes; 700 kB in base64
MOST_FILES = 50  # of one ticket
MOST_NAME = 200
MIB = 1024 * 1024
# Media types that are taken, and the endings of names that go with each. Nothing that a browser runs: no HTML, no SVG.
TYPES: dict[str, tuple[str, ...]] = {
    "application/pdf": ("pdf",),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "audio/mpeg": ("mp3",),
    "audio/x-wav": ("wav",),
    "audio/ogg": ("ogg", "opus"),
    "application/zip": ("zip",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "text/plain": ("txt", "log", "csv", "json", "md", "eml"),
}
_MARKUP = re.compile(rb"<\s*(!doctype|html|script|svg|iframe|body|head|\?xml)", re.IGNORECASE)
_LOOKED_AT = 65_536  # bytes in which markup is looked for
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


@dataclass(frozen=True, slots=True)
class Attachment:
    """`id` is made of ticket, name and content: the same file again is the same attachment."""

    id: str
    ticket: str
    name: str
    type: str
    bytes: int
    sha256: str
    by: str
    at: datetime


def attach(desk: TicketDesk, ticket: str, name: str, content: bytes, *, by: str) -> Attachment:
    """Checks a file and keeps it with a ticket; once, however often it comes.

    Raises UserError when it is empty or larger than desk.attachment.mib, of a type that is not taken, named otherwise than
    it is, or one too many; and on a closed ticket.
    """
    name = clean_name(name)
    kind = checked(name, content, desk.store.settings.number("desk.attachment.mib") * MIB)
    lifecycle.not_closed(_source(desk, ticket))
    digest = hashlib.sha256(content).hexdigest()
    made = Attachment(
        joined(("attachment", ticket, name, digest)), ticket, name, kind, len(content), digest, by, desk.clock()
    )
    _check_count(desk, ticket, made.id)
    operations = list(_pieces(desk.store, made, content))
    desk.store.write_all(operations[1:], chunk=8)
    desk.store.write_all(operations[:1])
    desk.change(ticket, lambda source: _told(source, made))
    return made


def clean_name(name: str) -> str:
    """A file name without folders and control characters. Raises UserError when nothing is left of it."""
    plain = _UNSAFE.sub("_", re.split(r"[/\\]", name)[-1]).strip(" .")
    if not plain or len(plain) > MOST_NAME:
        raise UserError(f"{name[:40]!r} is no name of a file", remedy=f"use up to {MOST_NAME} characters")
    return plain


def checked(name: str, content: bytes, most: int) -> str:
    """Media type by the content. Raises UserError on what is not taken."""
    if not content or len(content) > most:
        raise UserError(f"a file has 1 byte to {most // MIB} MiB, this one {len(content) / MIB:,.1f} MiB", where=name)
    found = filetype.guess(content)
    kind = found.mime if found is not None else "text/plain" if _is_text(content) else ""
    if kind not in TYPES:
        what = f"is a {kind} file" if kind else "is of no known type"
        what = "holds markup, which a browser would run" if not kind and _MARKUP.search(content[:_LOOKED_AT]) else what
        raise UserError(f"{what}: it is not taken", where=name, remedy=f"send one of {', '.join(_endings())}")
    ending = name.rpartition(".")[2].lower()
    if ending not in TYPES[kind]:
        raise UserError(
            f"is named .{ending[:20]} and is {kind} by its content", where=name, remedy=f"name it .{TYPES[kind][0]}"
        )
    return kind


def _is_text(content: bytes) -> bool:
    """UTF-8 without control characters, and no markup that a browser would run."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not re.search(r"[\x00-\x08\x0e-\x1f]", text) and _MARKUP.search(content[:_LOOKED_AT]) is None


def _endings() -> list[str]:
    return sorted(ending for endings in TYPES.values() for ending in endings)


def _source(desk: TicketDesk, ticket: str) -> Document:
    found = desk.store.get("ticket", ticket)
    if found is None:
        raise UserError(f"there is no ticket {ticket[:40]}", remedy="see `busyhour ticket list`")
    return found.source


def _check_count(desk: TicketDesk, ticket: str, key: str) -> None:
    files = desk.get(ticket).attachments
    if len(files) >= MOST_FILES and all(each["id"] != key for each in files):
        raise UserError(f"a ticket has at most {MOST_FILES} files", where=ticket)


def _pieces(store: Store, made: Attachment, content: bytes) -> Iterator[Operation]:
    """The first piece tells of the whole file."""
    place, now = store.place("attachment"), iso(made.at)
    parts = [content[start : start + PIECE] for start in range(0, len(content), PIECE)]
    about = {"id": made.id, "name": made.name, "type": made.type, "bytes": made.bytes, "sha256": made.sha256}
    about |= {"by": made.by, "chunks": len(parts)}
    for number, part in enumerate(parts):
        row = {**about, "chunk": number, "data": base64.b64encode(part).decode()}
        document = {
            "@timestamp": now,
            "event": {"ingested": now},
            "ticket": {"id": made.ticket},
            "attachment": row,
        }
        yield Operation("create", place, f"{made.id}-{number}", document)


def _told(source: Document, made: Attachment) -> Document | None:
    """The ticket names its file; None where it does already."""
    files = source["ticket"].get("attachments", [])
    if any(orjson.loads(each)["id"] == made.id for each in files):
        return None
    row: dict[str, Any] = {"id": made.id, "name": made.name, "type": made.type, "bytes": made.bytes, "by": made.by}
    row["at"] = iso(made.at)
    text = sentence("%(name)s (%(count)s bytes)", name=made.name, count=f"{made.bytes:,}")
    after = lifecycle.changed(source, made.at, made.by, "attachment", comment=text)
    return {**after, "ticket": {**after["ticket"], "attachments": [*files, orjson.dumps(row).decode()]}}


def read_attachment(store: Store, key: str) -> tuple[Attachment, bytes]:
    """A file with its content. Raises UserError when there is none, or a piece is missing or not what was kept."""
    first = store.get("attachment", f"{key}-0")
    if first is None:
        raise UserError(f"there is no attachment {key[:40]}")
    row = first.source["attachment"]
    rest = [f"{key}-{number}" for number in range(1, row["chunks"])]
    pieces = [first, *(found for name in rest for found in store.get_many("attachment", [name]).values())]
    content = b"".join(base64.b64decode(piece.source["attachment"]["data"]) for piece in pieces)
    if hashlib.sha256(content).hexdigest() != row["sha256"]:
        raise UserError("it is not whole", where=row["name"], remedy="attach it again")
    names = ("id", "name", "type", "bytes", "sha256", "by")
    ticket, at = first.source["ticket"]["id"], parse_iso(first.source["@timestamp"])
    return Attachment(ticket=ticket, at=at, **{name: row[name] for name in names}), content
