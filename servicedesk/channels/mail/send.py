"""Mails of the outbox to an SMTP server (RFC 5321), one connection a run."""

from __future__ import annotations

import smtplib
import ssl
from types import TracebackType

from contracts.errors import SettingError
from servicedesk.channels.book import INDEX, Document
from servicedesk.channels.mail.compose import compose, envelope_sender
from servicedesk.channels.mail.places import MailPlace
from servicedesk.channels.outbox import Away, Never, NotNow
from servicedesk.channels.words import one_line

TIMEOUT_SEC = 60.0  # for each answer; a whole mail takes some ten of them, which is less than its turn


class Smtp:
    """Context manager; call it with an outbound interaction to send it. Raises what `outbox.Send` may."""

    def __init__(self, place: MailPlace, own: str, timeout_sec: float = TIMEOUT_SEC) -> None:
        if "@" not in own:
            raise SettingError("is not set", where="channel.mail.address", remedy="set it to the desk's address")
        self._place, self._own, self._timeout = place, own, timeout_sec
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Smtp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, self._server = self._server, None
        if server is not None:
            try:
                server.quit()
            except (smtplib.SMTPException, OSError):
                server.close()

    def __call__(self, document: Document) -> None:
        mail = compose(document, self._own)
        recipient = document[INDEX]["recipient"]
        try:
            server = self._server or self._connected()
            server.send_message(mail, envelope_sender(document, self._own), [recipient])
        except smtplib.SMTPRecipientsRefused as error:
            _refused(*error.recipients[recipient])
        except smtplib.SMTPResponseException as error:
            _refused(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPNotSupportedError, UnicodeEncodeError) as error:
            raise Never(f"the server takes no such address: {error}") from error
        except (smtplib.SMTPException, OSError) as error:
            self._server = None
            raise Away(f"{self._place.name}: {type(error).__name__}: {error}") from error

    def _connected(self) -> smtplib.SMTP:
        place = self._place
        if place.secure:
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(place.host, place.port, timeout=self._timeout, context=context)
        else:
            server = smtplib.SMTP(place.host, place.port, timeout=self._timeout)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
            elif place.user and not place.loopback:
                server.close()
                raise Away(f"{place.name} offers no TLS, and the password would pass in the clear")
        if place.user:
            try:
                server.login(place.user, place.password)
            except smtplib.SMTPAuthenticationError as error:
                server.close()
                raise Away(f"{place.name} refuses user {place.user}: {error.smtp_code}") from error
        self._server = server
        return server


def _refused(code: int, words: bytes | str) -> None:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    what = f"{code} {one_line(text, 300)}"
    if 500 <= code < 600:
        raise Never(what)
    raise NotNow(what)
