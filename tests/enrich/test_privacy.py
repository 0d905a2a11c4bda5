"""Personal data: columns kept, hashed, truncated or dropped; and what a reject keeps of its line, on both runners."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import SettingError
from contracts.ids import keyed_hash
from contracts.settings import Settings, read
from infrastructure.secrets import pii_key
from infrastructure.store import Store
from mediation.columns.compile import compile_columns
from mediation.compile import Record, compile_layout
from mediation.enrich.privacy import RejectPrivacy
from mediation.golden import KEY
from mediation.layout import Layout
from mediation.load import load_layouts
from mediation.logstash.enrich import HASHED_LINE, write_truncations
from mediation.logstash.files import render
from mediation.pipeline import ingest
from tests.enrich.rendered import rendered, run_filters, run_script, writer
from tests.stack.pipeline_language import parse, plugins

LINE = (
    "m1,SMS-MO,2026-03-28T09:00:00Z,,failed,27,smsc-1,PLAN1,447700900001,001010000000001,35190514,+447700900002,on-net"
)


def sms(**changes: dict[str, Any]) -> Layout:
    layout = load_layouts()["sms-busyhour"]
    columns = tuple(dataclasses.replace(column, **changes.get(column.raw, {})) for column in layout.columns)
    return dataclasses.replace(layout, columns=columns)


def document(layout: Layout, line: str = LINE) -> dict[str, Any]:
    outcome = compile_layout(layout, KEY).mediate(line)
    assert isinstance(outcome, Record), outcome
    return outcome.document


def test_column_is_kept_hashed_truncated_or_dropped() -> None:
    layout = sms(msisdn={"pii": "truncate", "keep_characters": 6}, imsi={"pii": "keep"}, imei={"pii": "drop"})
    found = document(layout)["subscriber"]
    assert found["msisdn"] == "447700"
    assert found["imsi"] == "001010000000001"
    assert "imei" not in found
    assert document(layout)["peer"]["number"] == keyed_hash(KEY, "+447700900002")
    assert found["country"] == "GB"  # told by the number, whatever is stored of it


def test_truncated_value_is_the_same_on_the_fast_way_and_in_the_rendered_filters() -> None:
    layout = sms(msisdn={"pii": "truncate", "keep_characters": 6}, smsc={"pii": "truncate", "keep_characters": 40})
    columns = compile_columns(layout, KEY)
    assert columns is not None
    heads = {"sms": {"2026-03-28": "{"}}
    taken = columns.take(
        LINE.encode(), 0, log='"log":{"offset":', stamp="2026-11-21T00:00:00.000Z", latest="~", heads=heads
    )
    assert b'"msisdn":"447700"' in taken.texts[0]
    parts = writer(layout)
    write_truncations(parts, layout.columns)
    texts = ["447700900001", "44", "ééééééé", "1234567\t8"]
    out = run_filters(rendered(parts), [{"raw": {"msisdn": text, "smsc": text}} for text in texts], {})
    assert [event["subscriber"]["msisdn"] for event in out] == [text[:6] for text in texts]
    assert [event["sms"]["smsc"] for event in out] == texts


@pytest.mark.parametrize("raw", ["keep", "hash", "drop"])
def test_reject_keeps_of_its_line_what_the_setting_says_on_both_runners(raw: Any) -> None:
    line = "447700900001;é" + "x" * 9_000
    stored = {"reason": "bad_time", "detail": "'447700900001' is no time", "raw": line[:8192]}
    RejectPrivacy(raw, KEY).apply(stored)
    event = {"message": line, "reject": {"reason": "bad_time", "detail": "…"}, "@metadata": {"layout": "x"}}
    (out,) = run_script("reject", {"services": {}, "raw": raw}, [event])
    aside = out["@metadata"].get(HASHED_LINE.split("[")[-1][:-1])
    if raw == "keep":
        assert stored["raw"] == out["reject"]["raw"] == line[:8192]
        assert "detail" in stored
        assert "detail" in out["reject"]
    else:
        assert "detail" not in stored
        assert "detail" not in out["reject"]
        assert "raw" not in out["reject"]
        assert aside == (line[:8192] if raw == "hash" else None)  # what the fingerprint filter then hashes
        assert stored.get("raw") == (keyed_hash(KEY, line[:8192]) if raw == "hash" else None)


def test_rendered_pipelines_follow_the_setting_and_hash_with_the_key() -> None:
    files = render(load_layouts().values())
    for name in ("store", "dead-letters"):
        found = {
            plugin.settings["id"]: plugin.settings
            for plugin in plugins(parse(files[f"logstash/pipelines/{name}.conf"])["filter"])
        }
        assert found[f"{name}.reject"]["script_params"]["raw"] == "${BUSYHOUR_PII_REJECT_RAW:keep}"
        hashed = found[f"{name}.reject.hash"]
        assert (hashed["source"], hashed["target"], hashed["method"]) == ([HASHED_LINE], "[reject][raw]", "SHA256")
        assert hashed["key"] == "${BUSYHOUR_PII_KEY}"
        assert found[f"{name}.reject.hash.shorten"]["gsub"][1] == r"\A(.{32}).*\z"


@pytest.mark.parametrize("raw", ["keep", "hash", "drop"])
def test_ingest_stores_of_rejects_what_the_setting_says(store: Store, tmp_path: Path, raw: str) -> None:
    header = ",".join(load_layouts()["sms-busyhour"].header)
    bad = LINE.replace("SMS-MO", "SMS-XX")
    path = tmp_path / "sms.csv"
    path.write_text(f"{header}\n{LINE}\n{bad}\n")
    private = Store.connect(Settings({**store.settings, "pii.reject.raw": raw}))
    report = ingest(private, [path])
    assert (report.counts.indexed, report.counts.rejected) == (1, 1)
    (hit,) = private.scan("cdr-reject", {"match_all": {}}, ["reject"])
    stored = hit["_source"]["reject"]
    key = pii_key(store.settings)
    assert stored.get("raw") == {"keep": bad, "hash": keyed_hash(key, bad), "drop": None}[raw]
    assert ("detail" in stored) == (raw == "keep")
    assert "447700900001" not in str(stored) or raw == "keep"


def test_setting_is_one_of_three() -> None:
    with pytest.raises(SettingError, match="'yes' is not one of keep, hash, drop"):
        read({"BUSYHOUR_PII_REJECT_RAW": "yes"})
