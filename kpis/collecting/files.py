"""The collector of files: a CSV or XLSX that another system writes into a folder, columns entity, time and value."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from contracts.clock import epoch_ms
from contracts.errors import OperatorError, SettingError, UserError
from contracts.settings import Settings
from infrastructure.store import Store
from kpis.collecting.interface import Due
from kpis.entering.checking import EARLIEST
from kpis.entering.importing import preview
from kpis.tracking import Registry, Tracked
from kpis.tracking.points import Value, sampled


class Files:
    """A file with a single bad row is refused whole: the values before it stay as they are."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.text("kpi.collect.folder")

    def touched(self, store: Store, tracked: Tracked, before: datetime | None) -> datetime | None:
        changed = datetime.fromtimestamp(self._path(tracked).stat().st_mtime, UTC)
        return EARLIEST if before is None or changed >= before else None

    def values(self, store: Store, tracked: Tracked, due: Due) -> Iterator[Value]:
        path = self._path(tracked)
        found = preview(Registry({tracked.id: tracked}), path, store.clock(), kpi=tracked.id)
        if found.faults:
            first = found.faults[0]
            raise UserError(
                f"{found.faulty} of {found.rows} rows are wrong: {first.column or 'row'}: {first.what}",
                where=f"{path}, row {first.row}",
            )
        for each in found.wanted:
            if due.start <= each.moment < due.end:
                start = epoch_ms(each.moment) // (due.resolution_sec * 1000) * due.resolution_sec * 1000
                yield sampled(each.entity, start, each.value)

    def _path(self, tracked: Tracked) -> Path:
        if not self._folder:
            raise SettingError("is empty: no file may be read", where="kpi.collect.folder", remedy="name a folder")
        folder = Path(self._folder).resolve()
        path: Path = (folder / str(tracked.details["path"])).resolve()
        if not path.is_relative_to(folder):
            raise UserError("leads out of kpi.collect.folder", where=f"{tracked.id}: source.path")
        if not path.is_file():
            raise OperatorError("is not there", where=str(path), remedy="the next run looks again")
        return path
