"""Real public samples, against numbers that pandas counts on its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mediation import ingest

if TYPE_CHECKING:
    from infrastructure.store import Store


def _frame(folder: Path) -> pd.DataFrame:
    """Every row as text, as delivered."""
    return pd.concat([pd.read_csv(path, dtype=str, keep_default_na=False) for path in sorted(folder.glob("*.csv"))])


def _counted(store: Store, name: str, field: str) -> dict[str, int]:
    answer = store.search(name, size=0, aggs={"by": {"terms": {"field": field, "size": 100}}})
    return {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["by"]["buckets"]}


def _summed(store: Store, name: str, field: str) -> float:
    answer: dict[str, Any] = store.search(name, size=0, aggs={"sum": {"sum": {"field": field}}})
    return float(answer["aggregations"]["sum"]["value"])


def test_ingest_of_real_voip_files_agrees_with_pandas(store: Store, real_cdrs: Path) -> None:
    frame = _frame(real_cdrs / "voip")
    timed = frame[(frame["Time"] != "") & (frame["Date"] != "")].drop_duplicates()
    report = ingest(store, [real_cdrs / "voip"])
    assert (report.ok, report.lines) == (True, len(frame))
    assert report.counts.reasons == {"missing_time": int((frame["Time"] == "").sum())}
    assert report.indexed == len(timed) == store.count("cdr-voip")
    assert _counted(store, "cdr-voip", "voip.disposition") == timed["Session-Disposition"].value_counts().to_dict()
    assert (
        _counted(store, "cdr-voip", "voip.trunk_group.terminating")
        == timed["Terminating-Trunk-Group"].value_counts().to_dict()
    )
    mos = pd.to_numeric(timed["Calling-MOS"]).sum() / 100
    assert abs(_summed(store, "cdr-voip", "voip.calling.mos") - mos) < 1e-6
    lost = pd.to_numeric(timed["Called-RTP-Packets-Lost"]).sum()
    assert _summed(store, "cdr-voip", "voip.called.packets.lost") == lost
    answered = timed["Session-Disposition"] == "answered"
    status = pd.to_numeric(timed["Sip-Status"])
    cause = pd.to_numeric(timed["Disconnect-Cause"])
    never = cause.isin([1, 2, 3, 17, 18, 19, 20, 21, 22, 25, 28, 34, 44, 55, 57, 58, 65, 88])
    flags = {
        "answered_with_failure_status": int((answered & (status >= 300)).sum()),
        "answered_with_failure_cause": int((answered & never).sum()),
        "unanswered_with_success_status": int((~answered & status.between(200, 299)).sum()),
    }
    assert _counted(store, "cdr-voip", "cdr.flags") == {flag: count for flag, count in flags.items() if count}
    hours = (
        pd.to_datetime(timed["Date"] + " " + timed["Time"], format="%Y-%m-%d %H:%M:%S").dt.hour.value_counts().to_dict()
    )
    found = [hit["_source"]["@timestamp"][11:13] for hit in store.scan("cdr-voip", fields=["@timestamp"])]
    assert pd.Series(found).astype(int).value_counts().to_dict() == hours


def test_ingest_of_real_mobile_files_agrees_with_pandas(store: Store, real_cdrs: Path) -> None:
    frame = _frame(real_cdrs / "sms")
    timed = frame[frame["Time"] != ""].drop_duplicates()
    report = ingest(store, [real_cdrs / "sms", real_cdrs / "mobile-sample.csv"])
    rows = pd.read_csv(real_cdrs / "mobile-sample.csv", sep=";", dtype=str).rename(columns=str.strip)
    assert report.ok
    assert report.counts.reasons == {"missing_time": int((frame["Time"] == "").sum())}
    kinds = pd.concat([timed["CALL_TYPE"], rows["CALL_TYPE"]]).value_counts().to_dict()
    stored = _counted(store, "cdr-sms", "mobile.call_type") | _counted(store, "cdr-mobile-voice", "mobile.call_type")
    assert stored == kinds
    numbers = pd.concat([timed["MSIDN"], rows["MSIDN"]]).value_counts()
    hashed = _counted(store, "cdr-sms,cdr-mobile-voice", "subscriber.msisdn")
    assert sorted(hashed.values()) == sorted(numbers)
    assert not set(hashed) & set(numbers.index)
    talk = pd.to_numeric(rows.loc[rows["CALL_TYPE"].isin(["MOC", "MTC"]), "DURATION"]).sum()
    assert _summed(store, "cdr-mobile-voice", "mobile.duration.sec") == talk


def test_ingest_of_the_undated_real_file_wants_a_start(store: Store, real_cdrs: Path) -> None:
    path = real_cdrs / "voip-sample.csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert ingest(store, [path]).counts.reasons == {"missing_time": len(rows)}
    assert ingest(store, [path], start="2026-01-01T00:00:00", rate="2/min").indexed == len(rows)
    assert _counted(store, "cdr-voip", "voip.disposition") == rows["Session-Disposition"].value_counts().to_dict()
