"""Signed texts that customers carry for us: who is in a chat, which ticket a survey is about. itsdangerous, HMAC-SHA256."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from contracts.errors import UserError
from contracts.settings import Settings
from infrastructure.secrets import kept_secret

_DAY = 86400
CHAT, SURVEY = "chat", "survey"
LIFE_SEC = {CHAT: 30 * _DAY, SURVEY: 60 * _DAY}


class BadToken(UserError):
    """It was not made here, was changed, or is too old."""


def issue(settings: Settings, purpose: str, content: dict[str, Any]) -> str:
    """A text for a URL that holds `content`, readable by anybody, changeable by nobody."""
    return str(_signer(settings, purpose).dumps(content))


def read(settings: Settings, purpose: str, token: str) -> dict[str, Any]:
    """What a token holds. Raises BadToken."""
    try:
        content = _signer(settings, purpose).loads(token[:2000], max_age=LIFE_SEC[purpose])
    except SignatureExpired:
        raise BadToken("the link is too old") from None
    except BadSignature:
        raise BadToken("the link is not one of ours") from None
    if not isinstance(content, dict):
        raise BadToken("the link is not one of ours")
    return content


def _signer(settings: Settings, purpose: str) -> URLSafeTimedSerializer:
    key = settings.text("channel.key") or kept_secret(Path(settings.text("home")) / "secrets" / "channel.key")
    return URLSafeTimedSerializer(key, salt=f"busyhour-{purpose}", signer_kwargs={"digest_method": hashlib.sha256})
