"""What a field is, and the fields that many documents share."""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """`type` is an Elasticsearch field type, or one of ours:

    `text` full text with a `.keyword` beside it, `typed` the same, and `.typed` finds it by the beginnings of its words,
    `prose` full text alone, `prefix` one word that is found by its beginning, `blob` kept and not indexed.
    """

    name: str
    type: str
    meaning: str


F = Field

EVENT = (
    F("@timestamp", "date", "time that decides: a call's release, an SMS's submit, a record's end"),
    F("event.ingested", "date", "when it was written here"),
)
SERVICE = (F("service.name", "keyword", "voip, mobile-voice, sms or epc"),)
ENTITY = (
    F("entity.type", "keyword", "service, trunk_group, sbc, plan, apn …"),
    F("entity.id", "keyword", "TG6, Lon-Site, PLAN1 …"),
)
SOURCE_FILE = (
    F("log.file.path", "keyword", "file the line was first seen in"),
    F("log.file.fingerprint", "keyword", "SHA-256 of the file's first 1,024 bytes, as Filebeat has it"),
    F("log.offset", "long", "byte offset of the line in the file, in bytes"),
)
FINDING = (
    F("@timestamp", "date", "start"),
    F("event.start", "date", "start; may be revised"),
    F("event.end", "date", "end; absent while open"),
    F("event.ingested", "date", "when it was last written"),
    F("event.severity", "integer", "1 critical, 2 major, 3 minor, 4 warning (X.733)"),
)
