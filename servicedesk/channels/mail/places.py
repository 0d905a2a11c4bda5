"""Where mail is fetched and given: the settings' URLs, checked. Passwords are settings of their own and never in a message."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from contracts.errors import SettingError
from contracts.settings import Settings

_PORTS = {"imap": 143, "imaps": 993, "smtp": 25, "smtps": 465}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class MailPlace:
    """A mail server. `secure`: TLS from the first byte; else STARTTLS, without which no password goes to another machine."""

    host: str
    port: int
    secure: bool
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        return self.host in LOOPBACK


def imap_place(settings: Settings) -> MailPlace:
    """Raises SettingError when the mailbox is not set, or no imap(s) URL."""
    return _place(settings, "channel.mail.imap", ("imap", "imaps"))


def smtp_place(settings: Settings) -> MailPlace:
    """Raises SettingError when the server is not set, or no smtp(s) URL."""
    return _place(settings, "channel.mail.smtp", ("smtp", "smtps"))


def _place(settings: Settings, name: str, schemes: tuple[str, ...]) -> MailPlace:
    text = settings.text(f"{name}.url")
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise SettingError(str(error), where=f"{name}.url") from None
    if parts.scheme not in schemes or not parts.hostname:
        what = "is not set" if not text else f"is no {' or '.join(schemes)} URL"
        raise SettingError(what, where=f"{name}.url", remedy=f"set it to such as {schemes[1]}://USER@HOST")
    if parts.password:
        raise SettingError("holds a password", where=f"{name}.url", remedy=f"put it into {name}.password")
    folder = unquote(parts.path.strip("/")) or "INBOX"
    password = settings.text(f"{name}.password")
    return MailPlace(parts.hostname, port, parts.scheme == schemes[1], unquote(parts.username or ""), password, folder)
