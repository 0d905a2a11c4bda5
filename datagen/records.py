"""What is known of a day that is complete: its files with their checksums, and who felt the incidents.

One JSON file a day and service in `.days/`, written when the day's last file is there; a run that was interrupted goes on behind
the days that have one.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from contracts.entities import Entity
from datagen.daywork import Row, day_name
from datagen.distinct import Distinct, Sighting
from datagen.felt import Felt, Signal
from datagen.files import write_whole
from datagen.incidents import Incident
from datagen.outfile import checksum
from datagen.table import Column

FOLDER = ".days"


def path_of(out: Path, service: str, number: int) -> Path:
    return out / FOLDER / f"{service}-{day_name(number)}.json"


def keep(out: Path, service: str, number: int, rows: list[Row], felt: Felt) -> None:
    content = {"deliveries": rows, "felt": _felt_as_json(felt)}
    write_whole(path_of(out, service, number), orjson.dumps(content))


def mark_taken(out: Path, service: str, number: int) -> None:
    """A sink has taken the day's files: they need not be there any more."""
    found = kept(out, service, number)
    if found is not None:
        write_whole(path_of(out, service, number), orjson.dumps({**found, "taken": True}))


def taken(out: Path, service: str, number: int) -> bool:
    found = kept(out, service, number)
    return bool(found and found.get("taken"))


def kept(out: Path, service: str, number: int) -> dict[str, Any] | None:
    """What `keep` wrote; None where there is nothing, or nothing whole."""
    try:
        found = orjson.loads(path_of(out, service, number).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return found if isinstance(found, dict) and {"deliveries", "felt"} <= set(found) else None


def complete(out: Path, folder: Path, service: str, number: int) -> bool:
    """Whether the day has its record and every file is as it says, byte for byte."""
    found = kept(out, service, number)
    return found is not None and all(_as_written(folder, row) for row in found["deliveries"])


def _as_written(folder: Path, row: Row) -> bool:
    path = folder / row["file"]
    try:
        return bool(path.stat().st_size == row["bytes"] and checksum(path) == row["crc32"])
    except OSError:
        return False


def felt_of(found: dict[str, Any], incidents: tuple[Incident, ...]) -> Felt:
    """The Felt in a record, to be merged."""
    felt, content = Felt.of(incidents), found["felt"]
    for position, (smallest, more) in content["customers"].items():
        felt.customers[int(position)] = Distinct(smallest=np.array(smallest, np.int64), more=more)
    for position, names in content["entities"].items():
        felt.entities[int(position)] = {Entity.parse(name) for name in names}
    felt.records = {int(position): count for position, count in content["records"].items()}
    felt.files = {int(position): set(names) for position, names in content["files"].items()}
    for number, page in content["seen"].items():
        felt.seen.pages[int(number)] = np.frombuffer(zlib.decompress(b64decode(page)), np.uint8)
    for position, name, column, (values, low, high) in content["signals"]:
        seen = Sighting(values=None if values is None else set(values), low=low, high=high)
        shown = None if column is None else Column(column[0], np.zeros(0, np.int64), tuple(column[1]), column[2])
        felt.signals[position, name] = Signal(seen, shown)
    return felt


def _felt_as_json(felt: Felt) -> dict[str, Any]:
    return {
        "customers": {str(key): [found.smallest.tolist(), found.more] for key, found in sorted(felt.customers.items())},
        "entities": {str(key): sorted(map(str, found)) for key, found in sorted(felt.entities.items())},
        "records": {str(key): count for key, count in sorted(felt.records.items())},
        "files": {str(key): sorted(names) for key, names in sorted(felt.files.items())},
        "seen": {
            str(key): b64encode(zlib.compress(page.tobytes())).decode() for key, page in sorted(felt.seen.pages.items())
        },
        "signals": [[*key, _column(signal.column), _seen(signal.seen)] for key, signal in sorted(felt.signals.items())],
    }


def _column(column: Column | None) -> list[Any] | None:
    return None if column is None else [column.kind, column.labels, column.places]


def _seen(seen: Sighting) -> list[Any]:
    return [None if seen.values is None else sorted(seen.values), seen.low, seen.high]
