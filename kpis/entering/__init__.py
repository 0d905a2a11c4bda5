"""Values that people enter: by hand or from a sheet. Entries are append-only; a point shows the last entry of its place."""

from kpis.entering.entries import Entered, Entry, Wanted, derive, enter, history
from kpis.entering.importing import Preview, import_rows, preview

__all__ = ["Entered", "Entry", "Preview", "Wanted", "derive", "enter", "history", "import_rows", "preview"]
