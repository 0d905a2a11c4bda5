"""Values handed to others: files, /metrics, pushes; and old partitions dropped."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from contracts.clock import epoch_ms, floor_to
from contracts.errors import OperatorError, UserError
from contracts.settings import Settings
from infrastructure.setup import existing
from infrastructure.store import Store
from kpis.exporting import COLUMNS, export_points, safe
from kpis.exposition import exposition
from kpis.pushing import _line, push
from kpis.retention import ends, retain
from kpis.tracking import load
from kpis.tracking.points import Value, sampled, write
from tests.kpis.outside import serving

START = datetime(2026, 11, 16, tzinfo=UTC)
DAY = timedelta(days=1)
EVIL = "region:=cmd|'/C calc'!A0, x=\"1\" \\ \n"


def _ms(day: int) -> int:
    return round((START + day * DAY).timestamp() * 1000)


def _filled(store: Store) -> None:
    one = load(store).find("deployment.efficiency")
    values = [sampled(entity, _ms(day), 0.9 + day / 100) for day in range(3) for entity in ("region:north", EVIL)]
    write(store, one, [*values, Value("region:north", _ms(3), None, None, None, 0, "no_data")], 86400, store.clock())
    store.refresh("kpi-1d")


def test_points_are_exported_whole_in_every_format(store: Store, tmp_path: Path) -> None:
    _filled(store)
    chosen = [load(store).find("deployment.efficiency")]
    for form in ("csv", "json", "xlsx", "parquet"):
        path = tmp_path / f"out.{form}"
        assert export_points(store, chosen, START, START + 5 * DAY, 86400, path, form) == 7
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_bytes().decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS and {row["entity"] for row in rows} == {"north", "'" + EVIL.partition(":")[2]}
    assert len(json.loads((tmp_path / "out.json").read_bytes())) == 7
    assert pq.read_table(tmp_path / "out.parquet").column("value").null_count == 1
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    assert sheet is not None and not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    one = export_points(store, chosen, START, START + DAY, 86400, tmp_path / "one.json", "json", entity="region:north")
    none = export_points(store, chosen, START - DAY, START, 86400, tmp_path / "none.json", "json")
    assert (one, none, json.loads((tmp_path / "none.json").read_bytes())) == (1, 0, [])
    with pytest.raises(UserError, match="unknown format"):
        export_points(store, chosen, START, START + DAY, 86400, tmp_path / "x", "xml")


def test_metrics_are_read_by_prometheus_own_parser(store: Store, node_settings: Settings) -> None:
    from cli.metrics_server import server

    _filled(store)
    families = {each.name: each for each in text_string_to_metric_families(exposition(store, load(store)).decode())}
    values = {sample.labels["entity"]: sample.value for sample in families["busyhour_kpi"].samples}
    assert values == {"north": 0.92, EVIL.partition(":")[2]: 0.92}
    assert [sample.value for sample in families["busyhour_kpi_target_missed"].samples] == [1.0, 1.0]
    assert families["busyhour_kpi_target"].samples[0].labels["op"] == ">="

    def failing() -> bytes:
        raise OperatorError("Elasticsearch is away")

    for text, status in ((lambda: b"busyhour_kpi 1\n", 200), (failing, 503)):
        import threading

        with server(text, 0) as found:
            threading.Thread(target=found.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{found.server_address[1]}"
            assert requests.get(f"{url}/metrics", timeout=10).status_code == status
            assert requests.get(f"{url}/etc/passwd", timeout=10).status_code == 404
            found.shutdown()


def test_push_hands_over_what_was_written_and_again_the_same(store: Store, node_settings: Settings) -> None:
    own = Store.connect(node_settings.with_values(kpi_collect_hosts="127.0.0.1"))
    _filled(own)
    chosen, now = [load(own).find("deployment.efficiency")], own.clock() + timedelta(seconds=1)
    answers = iter([(503, b""), (204, b""), (204, b"")])
    with serving(lambda *_: next(answers)) as outside:
        for _ in range(2):
            done = push(own, chosen, outside.url, now - DAY, now, 86400, "influx", sleep=lambda _: None)
            assert (done.points, done.requests) == (6, 1)
        bodies = [body for _, _, _, body in outside.asked]
    assert len(set(bodies)) == 1 and bodies[0].count(b"\n") == 6  # the one that failed, too
    with serving(lambda *_: (401, b"")) as outside, pytest.raises(OperatorError, match="credentials"):
        push(own, chosen, outside.url, now - DAY, now, 86400, "json")


def test_line_protocol_escapes_what_would_end_a_tag() -> None:
    source = {
        "@timestamp": "2026-11-16T00:00:00.000Z",
        "entity": {"type": "region", "id": EVIL.partition(":")[2]},
        "kpi": {"id": "a.b", "value": 1.5, "unit": "1", "state": "ok", "samples": 3, "resolution": {"sec": 60}},
    }
    line = _line(source)
    assert "\n" not in line and line.endswith(" value=1.5,samples=3i 1794787200000000000")
    tags = line.split(" value=")[0].replace("\\ ", "").replace("\\,", "").replace("\\=", "")
    assert " " not in tags and tags.count(",") == 5 and tags.count("=") == 5


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1"])
def test_text_that_a_spreadsheet_works_out_gets_an_apostrophe(text: str) -> None:
    assert safe(text) == f"'{text}" and safe(-1.5) == -1.5 and safe("a=1") == "a=1"


@pytest.mark.parametrize(
    ("partition", "end"),
    [
        ("kpi-5m-2026.11", datetime(2026, 12, 1, tzinfo=UTC)),
        ("kpi-5m-2026.12", datetime(2027, 1, 1, tzinfo=UTC)),
        ("kpi-5m-2026.w53", datetime(2027, 1, 4, tzinfo=UTC)),
        ("kpi-5m-2026.11.30", datetime(2026, 12, 1, tzinfo=UTC)),
        ("kpi-5m-2026", datetime(2027, 1, 1, tzinfo=UTC)),
        ("kpi-5m-2026.13", None),
        ("kpi-5m-x", None),
        ("other-2026", None),
    ],
)
def test_partition_ends_where_its_name_says(partition: str, end: datetime | None) -> None:
    assert ends(partition, "kpi-5m") == end


def test_old_partition_is_dropped_only_where_coarser_points_cover_it(store: Store) -> None:
    """March has hours of one of its two days only: what is left of the other would be nothing."""
    one = load(store).find("deployment.efficiency")
    january, march = datetime(2026, 1, 15, 8, 5, tzinfo=UTC), datetime(2026, 3, 15, 8, 5, tzinfo=UTC)
    for seconds, moments in ((300, (january, march, march + timedelta(days=1))), (3600, (january, march))):
        values = [sampled("region:north", epoch_ms(floor_to(each, seconds)), 1.0) for each in moments]
        write(store, one, values, seconds, store.clock())
    store.refresh("kpi-5m", "kpi-1h")
    now = datetime(2026, 11, 20, tzinfo=UTC)
    planned = retain(store, now=now, dry_run=True)
    assert [(each.partition, bool(each.kept)) for each in planned] == [
        ("kpi-5m-2026.01", False),
        ("kpi-5m-2026.03", True),
    ]
    assert planned[1].kept.startswith("1 of its 2 buckets of 3600 s have no points")
    assert "kpi-5m-2026.01" in existing(store)["kpi-5m"]
    assert retain(store, now=now) == planned
    assert existing(store)["kpi-5m"] == ["kpi-5m-2026.03"]
    assert [each.partition for each in retain(store, now=now)] == ["kpi-5m-2026.03"]
    assert retain(store, now=datetime(2026, 4, 2, tzinfo=UTC)) == []
