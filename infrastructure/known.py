"""What a store learned about its server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Known:
    """Shared by the views of a store, whose users may not be allowed to ask."""

    row_cap: int | None = None
    period: str = ""
    set_up_seen: tuple[float, int] | None = None  # when, and after how many outages
