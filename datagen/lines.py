"""A table as the lines of a layout: the same YAML that mediation reads by, so whatever can be read can be written."""

from __future__ import annotations

from datagen.table import Table
from datagen.writers.delimited import header, lines
from datagen.writers.writer import writer_of
from mediation.layout import Layout

__all__ = ["check", "header", "lines"]


def check(table: Table, layout: Layout) -> None:
    """Raises DefinitionError when `lines` would: asked before the first byte is written."""
    writer_of(layout).check(table)
