"""Sentences that documents keep in English: a fixed message with parts, which a page can know again and say otherwise."""

from __future__ import annotations


def sentence(message: str, **parts: object) -> str:
    """The message with its `%(name)s` filled in.

    The message stands as a literal at the call: the console's catalogues are held to every one of them
    (`console/phrases/sources.py`), and it reads the parts back out of the text.
    """
    return message % parts
