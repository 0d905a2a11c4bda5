"""The one place that loads apprise, the library of notification services."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any


@cache
def _apprise() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # its plugins look for a module that Python is about to drop
        from apprise import Apprise

        Apprise.instantiate("json://localhost")  # loads all of its plugins
    return Apprise


def plugin_of(address: str) -> Any:
    """What sends to an address, None when apprise does not know such one. Nothing of the address is logged."""
    return _apprise().instantiate(address, suppress_exceptions=True)
