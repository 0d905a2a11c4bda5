"""A suspended line, mediated as it would be today. What was kept of it must be the line itself, byte by byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from contracts.outcomes import Reject
from infrastructure.secrets import pii_key
from infrastructure.store import Store, Versioned
from mediation.compile import Pace, Record, compile_layout
from mediation.layout import Layout
from mediation.lines import judge
from mediation.pace import pace_of
from mediation.settle import reject_id
from mediation.sniff import Source, header_cells
from mediation.suspense.moving import rows
from mediation.suspense.states import place_of

Outcome = Callable[[bytes], Record | Reject]
_RAW_CHARACTERS = 8192


@dataclass(frozen=True, slots=True)
class Unfit:
    """The line cannot be mediated again from what was kept of it; `why` in words, with what to do."""

    why: str


@dataclass(slots=True)
class Again:
    """`pace`: start as stored and seconds from one record to the next, for layouts without a time."""

    store: Store
    layouts: Mapping[str, Layout]
    pace: tuple[str, float] | None = None
    outcomes: dict[tuple[str, str, Pace | None], Outcome] = field(default_factory=dict)
    paces: dict[tuple[str, str, str], Pace | None] = field(default_factory=dict)

    def batch(self, rejects: Sequence[Versioned]) -> list[Record | Reject | Unfit]:
        """What each would become, same order. Nothing is written."""
        files = list({place_of(reject.source)[:2]: None for reject in rejects})
        found = rows(self.store, files)
        headers = {
            file: str(row.source["file"].get("header", "")) if row else ""
            for file, row in zip(files, found, strict=True)
        }
        return [self._one(reject, headers[place_of(reject.source)[:2]]) for reject in rejects]

    def _one(self, reject: Versioned, header: str) -> Record | Reject | Unfit:
        name = str(reject.source.get("cdr", {}).get("layout", ""))
        layout = self.layouts.get(name)
        if layout is None:
            return Unfit(f"layout {name!r} does not exist" if name else "no layout is known for it; ingest its file")
        raw = line_of(reject, layout)
        if isinstance(raw, Unfit):
            return raw
        cells = header_cells(header, layout) if header else None
        if cells is not None and sorted(cells) != sorted(layout.header):
            return Unfit("the layout's columns are no longer those of its file's header; ingest the file again")
        path, fingerprint, _ = place_of(reject.source)
        pace = self._pace(layout, path, fingerprint, cells)
        key = (name, header if cells is not None else "", pace)
        outcome = self.outcomes.get(key)
        if outcome is None:
            mediator = compile_layout(layout, pii_key(self.store.settings), header=cells, pace=pace)
            outcome = judge(mediator, self.store.settings.number("ingest.line.bytes"))
            self.outcomes[key] = outcome
        return outcome(raw)

    def _pace(self, layout: Layout, path: str, fingerprint: str, cells: Sequence[str] | None) -> Pace | None:
        """As ingest has it: the lowest record number of the file is at the start. All lines of such a file are rejects."""
        if layout.paced is None or self.pace is None:
            return None
        key = (layout.name, path, fingerprint)
        if key not in self.paces:
            source = Source(Path(path), 0, fingerprint, layout, tuple(cells or layout.header))
            stream = cast(BinaryIO, _Raws(self._raws(layout.name, path, fingerprint)))
            limit = self.store.settings.number("ingest.line.bytes")
            self.paces[key] = pace_of(source, layout, stream, limit, self.pace)
        return self.paces[key]

    def _raws(self, layout: str, path: str, fingerprint: str) -> Iterator[bytes]:
        terms = {"cdr.layout": layout, "log.file.path": path, "log.file.fingerprint": fingerprint}
        query = {"bool": {"filter": [{"term": {name: value}} for name, value in terms.items()]}}
        for hit in self.store.scan("cdr-reject", query, ["reject.raw"]):
            yield str(hit["_source"].get("reject", {}).get("raw", "")).encode()


class _Raws:
    """Lines as a stream, for what reads files."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.lines = lines

    def read(self, size: int) -> bytes:
        """At least one line while there is one."""
        found: list[bytes] = []
        for line in self.lines:
            found.append(line + b"\n")
            size -= len(line)
            if size <= 0:
                break
        return b"".join(found)


def line_of(reject: Versioned, layout: Layout) -> bytes | Unfit:
    """The whole line as it was delivered: its digest is the reject's own id."""
    text = str(reject.source.get("reject", {}).get("raw") or "")
    if not text:
        return Unfit("its raw line was not kept (pii.reject.raw); ingest its file again")
    raw = _octets(text) if layout.binary else text.encode()
    if reject_id(layout.name, raw) == reject.id:
        return raw
    if len(text) >= _RAW_CHARACTERS:
        return Unfit(f"only the first {_RAW_CHARACTERS:,} characters of its line were kept; ingest its file again")
    return Unfit("what was kept is not the line as delivered (no UTF-8, or pii.reject.raw); ingest its file again")


def _octets(text: str) -> bytes:
    """A binary record, kept as hexadecimal digits."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
