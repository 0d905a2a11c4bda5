"""Steps of a revision, harmless when repeated: MariaDB cannot roll a CREATE TABLE back, so a revision may have been cut."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from usage.schema import OPTIONS


def table(name: str, *columns: Any) -> None:
    """Makes a table unless it is there."""
    if not sa.inspect(op.get_bind()).has_table(name):
        op.create_table(name, *columns, **OPTIONS)


def index(name: str, *columns: str) -> None:
    """Makes the index `ix_TABLE_COLUMNS` unless it is there."""
    called = "_".join(("ix", name, *columns))
    if called not in {found["name"] for found in sa.inspect(op.get_bind()).get_indexes(name)}:
        op.create_index(called, name, list(columns))
