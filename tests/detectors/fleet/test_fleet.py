"""A fleet in files: the same baselines and scores as from panels, by any number of workers, and nothing from broken files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.clock import epoch_ms
from contracts.entities import Entity
from contracts.errors import BusyhourError, OperatorError, UserError
from contracts.settings import read
from detectors.adapter import judged_kpis
from detectors.fleet import score_files, train_files
from detectors.fleet.bench import make_piece, pieces
from detectors.fleet.model import baseline_of, open_model
from detectors.fleet.plan import plan_of
from detectors.judging import train_kpi
from detectors.panel import Panel, from_frame, merged
from detectors.scorers import by_model
from detectors.subject import Kpi
from kpis.catalogue import load

ZONE = ZoneInfo("Europe/Berlin")
KPIS = judged_kpis(load(read({})))
BY_ID = {kpi.id: kpi for kpi in KPIS}
START = epoch_ms(pd.Timestamp("2026-10-05", tz="UTC").to_pydatetime())  # two weeks over a change of the clock
DAYS = 21
BUCKETS = DAYS * 288


def frame(seed: int = 1) -> pd.DataFrame:
    """A service, two dense trunk groups, a thin one and a new one, of a count and of a ratio; shuffled within a series."""
    rng = np.random.default_rng(seed)
    hour = np.arange(BUCKETS) / 12 % 24
    shape = 0.2 + np.exp(-((hour - 12) ** 2) / 20)
    parts = []
    for kpi in ("voip.attempts", "voip.asr"):
        for entity, level in (
            ("service:voip", 900),
            ("trunk_group:A", 500),
            ("trunk_group:B", 300),
            ("trunk_group:C", 4),
        ):
            calls = rng.poisson(level * shape).astype(float)
            calls[rng.random(BUCKETS) < 0.01] = np.nan
            kind, name = entity.split(":")
            one = pd.DataFrame({"bucket": START + 300_000 * np.arange(BUCKETS), "samples": calls, "value": calls})
            one["numerator"] = np.nan if kpi == "voip.attempts" else np.floor(calls * 0.8)
            one["denominator"] = np.nan if kpi == "voip.attempts" else calls
            if kpi == "voip.asr":
                one["value"] = one["numerator"] / one["denominator"].replace(0, np.nan)
            one = one.assign(kpi=kpi, service="voip", entity_type=kind, entity_id=name, state="ok")
            parts.append(one.sample(frac=1, random_state=seed))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def points() -> pd.DataFrame:
    return frame()


@pytest.fixture
def folder(tmp_path: Path, points: pd.DataFrame) -> Path:
    place = tmp_path / "points"
    place.mkdir()
    write(points, place / "all.parquet")
    return place


def write(rows: pd.DataFrame, path: Path, group: int = 5000) -> None:
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), path, row_group_size=group)


def loaded(rows: pd.DataFrame):  # type: ignore[no-untyped-def]
    def load_one(kpi: Kpi, step: int, since: int, until: int, entities: set[Entity] | None) -> Panel:
        panel = merged(from_frame(rows, kpi, 300, since, until), step, ZONE)
        return (
            panel
            if entities is None
            else panel.rows([n for n, one in enumerate(panel.series) if one.entity in entities])
        )

    return load_one


def test_training_from_files_gives_what_the_job_gives(folder: Path, points: pd.DataFrame, tmp_path: Path) -> None:
    report = train_files(folder, tmp_path / "m.parquet", KPIS, ZONE)
    assert (report.series, report.insufficient) == (8, 0)
    assert set(report.by_resolution) == {300, 3600}
    model = open_model(tmp_path / "m.parquet")
    for kpi in (BY_ID["voip.attempts"], BY_ID["voip.asr"]):
        expected = train_kpi(kpi, loaded(points), START, START + BUCKETS * 300_000, ZONE)
        for one in expected:
            found = baseline_of(
                str(tmp_path / "m.parquet"), kpi, ZONE, {series: model.rows[series] for series in one.series}
            )
            assert found.step_sec == one.step_sec
            for name in ("centre", "between", "within", "tail", "floor", "samples", "weeks"):
                np.testing.assert_allclose(
                    getattr(found, name), getattr(one, name), rtol=1e-9, err_msg=f"{kpi.id} {name}"
                )


def test_scores_from_files_are_the_scorers_own(folder: Path, points: pd.DataFrame, tmp_path: Path) -> None:
    train_files(folder, tmp_path / "m.parquet", KPIS, ZONE)
    report = score_files(folder, tmp_path / "m.parquet", tmp_path / "s.parquet", KPIS, ZONE)
    table = pq.read_table(tmp_path / "s.parquet").to_pandas()
    assert report.written == report.judged == len(table) > 0
    kpi, model = BY_ID["voip.asr"], open_model(tmp_path / "m.parquet")
    panel = from_frame(points, kpi, 300, START, START + BUCKETS * 300_000)
    one = panel.rows([n for n, series in enumerate(panel.series) if series.entity.id == "A"])
    scores = by_model(one, baseline_of(model.path, kpi, ZONE, {one.series[0]: model.rows[one.series[0]]}))
    own = table[(table["kpi"] == kpi.id) & (table["entity_id"] == "A")].sort_values("bucket")
    seen = np.isfinite(scores.score[0])
    assert (own["bucket"].astype("datetime64[ms, UTC]").astype("int64").to_numpy() == one.starts[seen]).all()
    np.testing.assert_allclose(own["score"], scores.score[0][seen], rtol=1e-5, atol=1e-4)
    only = score_files(folder, tmp_path / "m.parquet", tmp_path / "few.parquet", KPIS, ZONE, least=30)
    assert only.written == (table["score"] >= 30).sum()


def test_two_processes_give_the_same_bytes_as_one(tmp_path: Path) -> None:
    made = tmp_path / "points"
    made.mkdir()
    for piece in pieces(made, 42, 2, 7):
        make_piece(piece)
    train_files(made, tmp_path / "one.parquet", KPIS, ZONE)
    train_files(made, tmp_path / "two.parquet", KPIS, ZONE, processes=2)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    score_files(made, tmp_path / "one.parquet", tmp_path / "s1.parquet", KPIS, ZONE)
    score_files(made, tmp_path / "two.parquet", tmp_path / "s2.parquet", KPIS, ZONE, processes=2)
    assert (tmp_path / "s1.parquet").read_bytes() == (tmp_path / "s2.parquet").read_bytes()


def test_dask_gives_the_same_bytes_as_one_process(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    made = tmp_path / "points"
    made.mkdir()
    for piece in pieces(made, 42, 2, 7):
        make_piece(piece)
    train_files(made, tmp_path / "one.parquet", KPIS, ZONE)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp"
    ) as cluster:
        train_files(made, tmp_path / "dask.parquet", KPIS, ZONE, dask=cluster.scheduler_address)
        score_files(
            made, tmp_path / "dask.parquet", tmp_path / "s2.parquet", KPIS, ZONE, dask=cluster.scheduler_address
        )
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "dask.parquet").read_bytes()
    score_files(made, tmp_path / "one.parquet", tmp_path / "s1.parquet", KPIS, ZONE)
    assert (tmp_path / "s1.parquet").read_bytes() == (tmp_path / "s2.parquet").read_bytes()


def test_dask_that_does_not_answer_is_said(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    monkeypatch.setattr("detectors.fleet.running._ANSWER", "1s")
    with pytest.raises(OperatorError, match="no Dask scheduler"):
        train_files(folder, tmp_path / "m.parquet", KPIS, ZONE, dask="tcp://127.0.0.1:9")
    assert not (tmp_path / "m.parquet").exists()


def test_batches_do_not_depend_on_row_groups_where_series_go_on(points: pd.DataFrame, tmp_path: Path) -> None:
    models = []
    for group in (700, 6048, 100_000):
        place = tmp_path / str(group)
        place.mkdir()
        write(points, place / "all.parquet", group)
        train_files(place, tmp_path / f"{group}.parquet", KPIS, ZONE)
        models.append((tmp_path / f"{group}.parquet").read_bytes())
    assert models[0] == models[1] == models[2]


def broken(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    if kind == "shuffled":
        return rows.sample(frac=1, random_state=1)
    if kind == "no bucket column":
        return rows.drop(columns="bucket")
    if kind == "unknown KPI":
        return rows.assign(kpi="voip.nothing")
    if kind == "off the grid":
        return rows.assign(bucket=rows["bucket"] + 7)
    if kind == "a wild time":
        return rows.assign(bucket=np.where(np.arange(len(rows)) == 5, 0, rows["bucket"]))
    if kind == "text as value":
        return rows.assign(value="many", numerator="few")
    if kind == "null key":
        return rows.assign(entity_id=rows["entity_id"].where(rows.index != rows.index[3]))
    if kind == "unknown type":
        return rows.assign(entity_type="planet")
    return rows.iloc[:0]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("shuffled", "do not lie together"),
        ("no bucket column", "no column bucket"),
        ("unknown KPI", "no judged KPI"),
        ("off the grid", "does not begin on a whole 300 s"),
        ("text as value", "not numbers"),
        ("null key", "without a value"),
        ("unknown type", "no entity planet"),
        ("empty", "no rows"),
    ],
)
def test_files_that_cannot_be_used_are_refused_in_words(
    kind: str, words: str, points: pd.DataFrame, tmp_path: Path
) -> None:
    place = tmp_path / "points"
    place.mkdir()
    write(broken(points[points["kpi"] == "voip.asr"], kind), place / "a.parquet")
    (tmp_path / "m.parquet").write_bytes(b"what was there")
    with pytest.raises(BusyhourError, match=words):
        train_files(place, tmp_path / "m.parquet", KPIS, ZONE)
    assert (tmp_path / "m.parquet").read_bytes() == b"what was there"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_wild_times_stay_outside_what_is_learned(points: pd.DataFrame, tmp_path: Path) -> None:
    place = tmp_path / "points"
    place.mkdir()
    write(broken(points[points["kpi"] == "voip.asr"], "a wild time"), place / "a.parquet")
    report = train_files(place, tmp_path / "m.parquet", KPIS, ZONE)
    assert report.series == 4
    with pytest.raises(UserError, match="days at once"):
        score_files(place, tmp_path / "m.parquet", tmp_path / "s.parquet", KPIS, ZONE)


def test_series_in_two_files_is_refused(points: pd.DataFrame, tmp_path: Path) -> None:
    place = tmp_path / "points"
    place.mkdir()
    write(points.iloc[:6048], place / "a.parquet")
    write(points.iloc[:6048], place / "b.parquet")
    with pytest.raises(UserError, match="do not lie together"):
        plan_of(place, BY_ID, 300)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"kpi,bucket\n"])
def test_file_that_is_no_parquet_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        train_files(tmp_path, tmp_path / "m.out", KPIS, ZONE)


@pytest.mark.parametrize("kind", ["missing", "constant", "infinite", "negative", "huge", "one day"])
def test_strange_values_give_no_baseline_or_an_honest_one(kind: str, points: pd.DataFrame, tmp_path: Path) -> None:
    rows = points[(points["kpi"] == "voip.attempts") & (points["entity_id"] == "A")].copy()
    wild = {"missing": np.nan, "constant": 7.0, "infinite": np.inf, "negative": -3.0, "huge": 1e308}
    if kind == "one day":
        rows = rows[rows["bucket"] < START + 86_400_000]
    else:
        rows["value"] = rows["samples"] = wild[kind]
    write(rows, tmp_path / "a.parquet")
    report = train_files(tmp_path, tmp_path / "m.out", KPIS, ZONE)
    assert (report.series, report.insufficient) == ((1, 0) if kind == "constant" else (0, 1))
    scored = score_files(tmp_path, tmp_path / "m.out", tmp_path / "s.out", KPIS, ZONE)
    assert scored.unknown == report.insufficient
    found = pq.read_table(tmp_path / "s.out").to_pandas()
    assert np.isfinite(found["score"]).all()
    assert (found["score"] < 30).all()


def test_model_of_another_zone_is_refused(folder: Path, tmp_path: Path) -> None:
    train_files(folder, tmp_path / "m.parquet", KPIS, ZONE)
    with pytest.raises(UserError, match="learned in the hours of Europe/Berlin"):
        score_files(folder, tmp_path / "m.parquet", tmp_path / "s.parquet", KPIS, ZoneInfo("UTC"))
    with pytest.raises(UserError, match="is no model"):
        score_files(folder, folder / "all.parquet", tmp_path / "s.parquet", KPIS, ZONE)


def test_series_of_another_version_of_its_kpi_is_unknown(folder: Path, tmp_path: Path) -> None:
    train_files(folder, tmp_path / "m.parquet", KPIS, ZONE)
    newer = [replace(kpi, version=kpi.version + 1) if kpi.id == "voip.asr" else kpi for kpi in KPIS]
    assert score_files(folder, tmp_path / "m.parquet", tmp_path / "s.parquet", newer, ZONE).unknown == 4
