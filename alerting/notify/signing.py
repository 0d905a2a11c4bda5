"""Signed webhooks: HMAC-SHA256 (RFC 2104) over a timestamp and the body, so that a receiver knows who sent it, and when.

The header `Busyhour-Signature: t=1795244700,v1=<hex>` holds the time in seconds since 1970 and the HMAC of `<t>.<body>` by
the secret that both sides know. `verify` is what a receiver does: it compares in constant time and refuses what is too old
to be sent now.
"""

from __future__ import annotations

import hashlib
import hmac

HEADER = "Busyhour-Signature"
TOLERANCE_SEC = 300  # clocks differ, and a replayed message is older


def sign(secret: str, body: bytes, now: int) -> str:
    """Value of the header. `now`: seconds since 1970."""
    return f"t={now},v1={_digest(secret, body, now)}"


def verify(secret: str, header: str, body: bytes, now: int, tolerance_sec: int = TOLERANCE_SEC) -> bool:
    """Whether the header was made of this body with this secret, at most `tolerance_sec` ago."""
    parts = dict(part.partition("=")[::2] for part in header[:200].split(","))
    stamp, given = parts.get("t", ""), parts.get("v1", "")
    if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 12:
        return False
    same = hmac.compare_digest(_digest(secret, body, int(stamp)).encode(), given.encode("utf-8", "replace"))
    return same and abs(now - int(stamp)) <= tolerance_sec


def _digest(secret: str, body: bytes, now: int) -> str:
    return hmac.new(secret.encode(), b"%d.%b" % (now, body), hashlib.sha256).hexdigest()
