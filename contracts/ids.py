"""Deterministic ids: the same thing has the same id on every run, which is what makes a replay harmless."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

ID_LENGTH = 32  # hex characters = 128 bits: no accidental collision at 10^15 records, half the bytes of a full SHA-256


def digest(text: str) -> str:
    """First 128 bits of SHA-256 of `text` (UTF-8), as 32 hex characters."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:ID_LENGTH]


def concatenated(sources: Mapping[str, str | None]) -> str:
    """What Logstash's fingerprint filter hashes with `concatenate_sources`: `|name|value|…|`, names sorted, absent empty."""
    return "|" + "".join(f"{name}|{'' if sources[name] is None else sources[name]}|" for name in sorted(sources))


def joined(parts: Iterable[object]) -> str:
    """Id of a document that is identified by several values: their digest, separated by a character no value holds."""
    return digest("\x1f".join(str(part) for part in parts))


def keyed_hash(key: bytes, value: str) -> str:
    """Pseudonym of a subscriber identity: HMAC-SHA256 (RFC 2104) of the value as delivered, truncated as `digest` is.

    The same number has the same pseudonym in every index, and nobody without the key can try all numbers.
    """
    return hmac.digest(key, value.encode("utf-8", "surrogatepass"), "sha256").hex()[:ID_LENGTH]
