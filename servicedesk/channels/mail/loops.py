"""Mail that no person wrote. It is kept and never answered, since an answer to it may be answered by a machine again."""

from __future__ import annotations

from email.message import EmailMessage

from servicedesk.channels.words import one_line

LOOP_HEADER = "X-Loop"  # in every mail of ours
_PRECEDENCE = ("bulk", "junk", "list", "auto_reply")
_LIST = ("List-Id", "List-Post", "List-Unsubscribe", "Mailing-List")
SUPPRESS_HEADER = "X-Auto-Response-Suppress"  # [MS-OXCMAIL] §2.1.3.2.20
_SUPPRESSED = {"all", "autoreply"}
_OTHERS = ("X-Autoreply", "X-Autorespond", "X-Auto-Response-From")  # in use before RFC 3834
_MACHINES = (
    "mailer-daemon",
    "postmaster",
    "noreply",
    "no-reply",
    "do-not-reply",
    "donotreply",
    "listserv",
    "majordomo",
)


def automatic(message: EmailMessage, sender: str, own: str) -> str:
    """Why no person wrote it, in words; "" when a person seems to have.

    RFC 3834 §2 and §5 (Auto-Submitted; what must not be answered), RFC 5321 §4.5.5 (null return path: a notification),
    RFC 2919 (List-Id), RFC 6522 (multipart/report).
    """
    submitted = _value(message, "Auto-Submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        return f"Auto-Submitted: {submitted}"
    if own and (sender.casefold() == own.casefold() or own.casefold() in _value(message, LOOP_HEADER).casefold()):
        return "it is a mail of our own"
    if _value(message, "Return-Path") == "<>":
        return "null return path"
    precedence = _value(message, "Precedence").lower()
    if precedence in _PRECEDENCE:
        return f"Precedence: {precedence}"
    for name in (*_LIST, *_OTHERS):
        if message.get_all(name):
            return name
    if message.get_content_type() == "multipart/report":
        return "multipart/report"
    local = sender.partition("@")[0].casefold()
    return f"sender {local}" if local in _MACHINES else ""


def unanswered(message: EmailMessage) -> str:
    """Why it wants no automatic answer though a person may have written it, in words; "" when it says nothing of it."""
    words = {word.strip().casefold() for word in _value(message, SUPPRESS_HEADER).split(",")}
    return f"{SUPPRESS_HEADER}: {', '.join(sorted(found))}" if (found := words & _SUPPRESSED) else ""


def _value(message: EmailMessage, name: str) -> str:
    return one_line((message.get_all(name) or [""])[0])
