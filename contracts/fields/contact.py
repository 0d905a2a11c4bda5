"""Fields of what customers and the desk said to each other."""

from __future__ import annotations

from contracts.fields.base import EVENT, F

INTERACTION = (
    *EVENT,
    F("interaction.channel", "keyword", "email, chat, voice, survey, or a messaging service such as whatsapp"),
    F("interaction.direction", "keyword", "inbound or outbound"),
    F(
        "interaction.status",
        "keyword",
        "ringing, received, filed, ignored, bounced or refused; outbound: pending, sending, sent or failed",
    ),
    F("interaction.reason", "keyword", "why it has that status, or gets no automatic answer"),
    F("interaction.conversation", "keyword", "digest of the customer, or of an unknown person's address"),
    F("interaction.external_id", "keyword", "Message-ID, call id or message id of the other system"),
    F("interaction.sender", "keyword", "address or number it came from"),
    F("interaction.recipient", "keyword", "address or number it went to"),
    F("interaction.name", "keyword", "name the sender gave"),
    F("interaction.by", "keyword", "agent or job that wrote it"),
    F("interaction.subject", "text", "subject line"),
    F("interaction.text", "text", "what was said, as plain text"),
    F("interaction.language", "keyword", "ISO 639-1, detected; absent: too short to tell"),
    F("interaction.references", "keyword", "ids of the messages it answers, nearest first"),
    F("interaction.ticket", "keyword", "ticket that it was filed in"),
    F("interaction.attachments", "blob", "JSON: name, type, bytes, sha256 of each"),
    F("interaction.bytes", "long", "size as delivered, in bytes"),
    F("interaction.attempts", "integer", "outbound: tries so far"),
    F("interaction.next_try", "date", "outbound: not tried before this moment; while sending: whose turn ends then"),
    F("interaction.automatic", "boolean", "outbound: written by no person"),
    F("call.state", "keyword", "ringing, answered or hung_up"),
    F("call.answered", "date", "when somebody took the call"),
    F("call.ended", "date", "when it was hung up"),
    F("call.duration.sec", "long", "from answer to end, in seconds"),
    F("call.recording", "keyword", "https link of the recording"),
    F("survey.score", "integer", "satisfaction: 1 (worst) to 5"),
    F("survey.team", "keyword", "team that had the ticket"),
    F("survey.agent", "keyword", "agent who had the ticket"),
    F("survey.category", "keyword", "category of the ticket"),
    F("customer.id", "keyword", "who it is, where known"),
)
