"""A layout as a writer, whatever its kind."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.errors import DefinitionError
from datagen.table import Table
from datagen.writers import charging, delimited
from datagen.writers.resolve import supplement_of
from datagen.writers.views import records_of
from mediation.layout import Layout

EXTENSIONS = {"csv": ".csv", "json": ".ndjson", "pairs": ".log", "ber": ".ber"}
_SAMPLED = 3  # records of which a check makes a whole file


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the header of a BER file says of it: its number, its period (ms since 1970), and whether size closed it."""

    sequence: int = 0
    start: int = 0
    end: int = 0
    by_size: bool = False


@dataclass(frozen=True, slots=True)
class Writer:
    """Records and files of one layout."""

    layout: Layout
    beside: str  # layout that carries the rest of the same calls; empty: none
    head: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", "" if self.layout.binary else delimited.header(self.layout))

    @property
    def one_a_row(self) -> bool:
        """Whether a row is a record: a view is the table itself."""
        return not supplement_of(self.layout).records

    def view(self, table: Table) -> Table:
        """A row a record, with `_time` when it is written; in no order where there are more records than rows."""
        return records_of(self.layout, table)

    def records(self, table: Table) -> list[str] | list[bytes]:
        """Of a view. Raises DefinitionError when the layout needs what the table has not."""
        if self.layout.binary:
            return charging.records(table, self.layout)
        return delimited.lines(table, self.layout)

    def file(self, records: Sequence[str] | Sequence[bytes], facts: FileFacts) -> bytes:
        if self.layout.binary:
            closure = charging.BY_SIZE if facts.by_size else charging.BY_TIME
            cdrs = [record for record in records if isinstance(record, bytes)]
            return charging.file(cdrs, sequence=facts.sequence, opened=facts.start, closed=facts.end, closure=closure)
        return self.encoded(self.head + "".join(record for record in records if isinstance(record, str)))

    def encoded(self, content: str, *, begins: bool = True) -> bytes:
        """Text as the layout's files have it; `begins`: with the byte order mark of UTF-16.

        Raises DefinitionError on a character that its encoding lacks.
        """
        wide = self.layout.encoding == "utf-16"
        try:
            octets = content.encode("utf-16-le" if wide else self.layout.encoding)
            return codecs.BOM_UTF16_LE + octets if wide and begins else octets
        except UnicodeEncodeError as error:
            what = f"{content[error.start]!r} is not in {self.layout.encoding}"
            raise DefinitionError(what, where=f"layout {self.layout.name}") from error

    def check(self, table: Table) -> None:
        """Raises what `records` would."""
        records = self.records(self.view(table))
        self.file(records[:_SAMPLED], FileFacts())


def writer_of(layout: Layout) -> Writer:
    return Writer(layout, supplement_of(layout).beside)
