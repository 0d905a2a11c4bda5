"""Secrets that the product makes for itself: kept under home/secrets, readable by their owner only."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from contracts.errors import OperatorError, SettingError
from contracts.settings import Settings

LEAST_KEY_BYTES = 16  # a shorter key lets subscriber numbers be found by trying keys
_NEW_KEY_BYTES = 32


def pii_key(settings: Settings) -> bytes:
    """Key of the keyed hash (HMAC-SHA256) of subscriber identities: the setting pii.key, else one generated once under home.

    Losing it means that new records no longer join with stored ones: back it up with the data. Raises SettingError on
    a key shorter than 16 bytes, OperatorError when the file cannot be read or written.
    """
    given = settings.text("pii.key")
    if not given:
        return kept_secret(Path(settings.text("home")) / "secrets" / "pii.key").encode()
    key = given.encode()
    if len(key) < LEAST_KEY_BYTES:
        raise SettingError(
            f"is {len(key)} bytes long, less than {LEAST_KEY_BYTES}",
            where="pii.key",
            remedy="use a long random text, such as the output of `openssl rand -hex 32`",
        )
    return key


def kept_secret(path: Path) -> str:
    """The secret in `path`; where there is none, a new random one is written there first, for its owner's eyes only.

    Two processes that start together get the same one. Raises OperatorError when the file is unusable.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_hex(_NEW_KEY_BYTES))
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"secret cannot be kept: {error}",
            where=str(path),
            remedy="make the folder writable, or set BUSYHOUR_PII_KEY",
        ) from error
    if len(text) < LEAST_KEY_BYTES:
        raise OperatorError(
            "secret is empty or damaged",
            where=str(path),
            remedy="restore it from a backup; deleting it makes a new one, with which new records do not join stored ones",
        )
    return text


def _write_once(path: Path, text: str) -> None:
    """Written aside and linked into place: whoever comes second keeps the first one's, and nobody sees half a secret."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)
