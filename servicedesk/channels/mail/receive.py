"""Mail taken by SMTP (RFC 5321), by aiosmtpd. "250" is said when the mail is kept and filed, never before.

Whatever cannot be kept now (Elasticsearch is away) gets 451, and the other server tries again. Mail for other addresses is
refused, so that nobody sends through us.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from contracts.errors import BusyhourError, OperatorError, SettingError
from servicedesk.channels.mail.parse import parse
from servicedesk.channels.message import BOUNCED, REFUSED
from servicedesk.channels.pipeline import Channels, Receipt

MOST_CONNECTIONS = 20  # each may hold one mail in memory
_WORKERS = 4
_IDLE_SEC = 60
_ANSWERS = {
    BOUNCED: "550 5.7.1 Too many mails from this address within an hour",
    REFUSED: "554 5.6.0 Refused: ",
}
_log = logging.getLogger("busyhour.channels")


class Receiver:
    """aiosmtpd's handler. `counted`: answers given, by status."""

    def __init__(self, channels: Channels) -> None:
        self._channels, self.address = channels, channels.address
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="mail")
        self.counted: dict[str, int] = {}

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.strip("<> ").casefold() != self._channels.address:
            return "550 5.7.1 No such mailbox here"
        envelope.rcpt_tos = [address]
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        loop = asyncio.get_running_loop()
        try:
            receipt = await loop.run_in_executor(self._pool, self._take, raw, envelope.mail_from in (None, "", "<>"))
        except BusyhourError as error:
            _log.warning("mail not taken: %s", error.what)
            self._count("deferred")
            return "451 4.3.0 Not now, try again later"
        self._count(receipt.status)
        answer = _ANSWERS.get(receipt.status, "250 2.0.0 Taken")
        return answer + (receipt.reason.encode("ascii", "replace").decode() if receipt.status == REFUSED else "")

    def _take(self, raw: bytes, null_path: bool) -> Receipt:
        most = self._channels.store.settings.number("channel.mail.bytes")
        own, now = self._channels.address, self._channels.clock()
        return self._channels.receive(parse(raw, now, own=own, most_bytes=most, null_path=null_path))

    def _count(self, status: str) -> None:
        self.counted[status] = self.counted.get(status, 0) + 1

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class MailServer(Controller):
    """The receiver on an address, in a thread: `start` and `stop`. Raises OperatorError when the port is taken."""

    def __init__(self, channels: Channels, host: str, port: int) -> None:
        if "@" not in channels.address:
            raise SettingError("is not set", where="channel.mail.address", remedy="set it to the desk's address")
        self.receiver = Receiver(channels)
        self._open = 0
        most = channels.store.settings.number("channel.mail.bytes")
        super().__init__(
            self.receiver, hostname=host, port=port, data_size_limit=most, ident="busyhour", timeout=_IDLE_SEC
        )

    def factory(self) -> SMTP:
        return _Bounded(self)

    def made(self, change: int) -> int:
        """Connections open, after one more or one less."""
        self._open += change
        return self._open

    def smtp_arguments(self) -> dict[str, Any]:
        return self.SMTP_kwargs

    def begin(self) -> None:
        try:
            self.start()
        except OSError as error:
            raise OperatorError(
                f"cannot listen: {error.strerror or error}",
                where=f"{self.hostname}:{self.port}",
                remedy="name another with --port, or stop what has it",
            ) from error

    def end(self) -> None:
        self.stop()
        self.receiver.close()


class _Bounded(SMTP):
    """One connection; one too many is told so and closed."""

    def __init__(self, server: MailServer) -> None:
        super().__init__(server.receiver, **server.smtp_arguments())
        self._mail_server = server

    def connection_made(self, transport: Any) -> None:
        if self._mail_server.made(1) > MOST_CONNECTIONS:
            transport.write(b"421 4.3.2 Too many connections\r\n")
            transport.close()
            return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._mail_server.made(-1)
        if self.transport is not None:
            super().connection_lost(error)
