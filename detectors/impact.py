"""The port to whoever knows customers: the service desk answers it, `cli` joins the two."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol


class Impact(Protocol):
    """`count`: customers who feel it; `customer_ids`: at most 100 of them; `how` that is known, in words."""

    @property
    def count(self) -> int: ...

    @property
    def customer_ids(self) -> tuple[str, ...]: ...

    @property
    def how(self) -> str: ...


class ImpactFinder(Protocol):
    """Finds who feels an incident (a document of index `incident`), by what was known `at` a moment (None: now)."""

    def __call__(self, incident: Mapping[str, Any], *, at: datetime | None = None) -> Impact: ...
