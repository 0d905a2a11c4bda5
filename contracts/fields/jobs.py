"""Fields of jobs, of what staff chose and who is signed in in the console, and of the audit trail."""

from __future__ import annotations

from contracts.fields.base import SOURCE_FILE, F

JOB = (
    F("event.ingested", "date", "when it was last written"),
    F("job.name", "keyword", "rollup, train, detect, alert …"),
    F("job.checkpoint", "date", "done up to here"),
    F("job.detail", "blob", "what the job keeps for its next run"),
    *SOURCE_FILE[:2],
    F("follow.owner", "keyword", "worker that holds the followed file; absent: nobody"),
    F("follow.state", "keyword", "open or closed, as the file's row in cdr-file"),
    F("follow.inode", "keyword", "number of the file on its disk: a hint, since numbers are used again"),
    F("follow.head.bytes", "integer", "bytes that the fingerprint is of; fewer than 1,024 for a short file"),
    F("follow.offset", "long", "bytes read and acknowledged by Elasticsearch"),
)
PROFILE = (
    F("event.ingested", "date", "when it was last written"),
    F("user.name", "keyword", "the Elasticsearch user"),
    F("user.full_name", "keyword", "name shown to others"),
    F("profile.language", "keyword", "ISO 639-1"),
    F("profile.timezone", "keyword", "IANA zone; absent: the browser's"),
    F("profile.theme", "keyword", "light, dark, or absent: as the system has it"),
    F("profile.notify", "keyword", "severities of alerts that the console shows a notice of"),
)
CONSOLE_SESSION = (
    F("event.ingested", "date", "when it was last written"),
    F("user.name", "keyword", "the Elasticsearch user"),
    F("user.full_name", "keyword", "name shown to others"),
    F("session.started", "date", "sign-in"),
    F("session.used", "date", "last use, to the minute"),
    F("session.address", "keyword", "where the sign-in came from"),
)
AUDIT = (
    F("@timestamp", "date", "when"),
    F("audit.who", "keyword", "user or job"),
    F("audit.what", "keyword", "action"),
    F("audit.object", "keyword", "on what"),
    F("audit.detail", "blob", "more"),
)
