"""Sources: who delivers files, how often, which files are missing, and who is silent.

watch_sources(store)                     a look at the ledger: states in cdr-source, findings in cdr-gap
retire(store, name, by="anna", why="…")  nobody waits for its files any more
"""

from mediation.sources.retiring import retire, unretire
from mediation.sources.sequence import Arrival, Missing, Repeated, findings
from mediation.sources.table import Entry, Sender, Table, load_table, read_table
from mediation.sources.watching import SourceReport, source_id, watch_sources

__all__ = [
    "Arrival",
    "Entry",
    "Missing",
    "Repeated",
    "Sender",
    "SourceReport",
    "Table",
    "findings",
    "load_table",
    "read_table",
    "retire",
    "source_id",
    "unretire",
    "watch_sources",
]
