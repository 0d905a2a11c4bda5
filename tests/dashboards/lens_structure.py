"""The key structure of a JSON value: which keys stand where, without names that somebody gave and without values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_NAMED = ("layers", "adHocDataViews")  # their keys are ids, when they are no list


def key_paths(value: Any, path: str = "") -> Iterator[str]:
    """Every key with its way from the top; ids of layers and views are `*`, rows of a list are one."""
    if isinstance(value, dict):
        for key, child in value.items():
            name = "*" if path.endswith(_NAMED) else key
            yield f"{path}.{name}"
            yield from key_paths(child, f"{path}.{name}")
    elif isinstance(value, list):
        for child in value:
            yield from key_paths(child, f"{path}[]")
