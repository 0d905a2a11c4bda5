"""Kinds of files: from the bytes of a file to its records, and from a record to the cells of a layout's columns.

A kind gives two functions. `records` cuts a stream into raw records; whatever their kind, a record is one document or one reject.
`cells_reader` reads one of them as text per column, in the layout's order, "" where there is no value. What becomes of the
cells is the same for every kind (`mediation.compile`).
"""

from __future__ import annotations

from mediation.formats.cells import cells_reader
from mediation.formats.cut import records

__all__ = ["cells_reader", "records"]
