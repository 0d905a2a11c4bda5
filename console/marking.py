"""Marks messages for the catalogues where they are translated later."""

from __future__ import annotations


def marked(message: str) -> str:
    """The message itself."""
    return message
