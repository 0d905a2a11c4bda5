"""What `listen` stores: the documents and rejects of `ingest`, with the place that Filebeat names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.ids import joined
from contracts.indices import CDR_INDEX
from infrastructure.setup import empty
from infrastructure.store import Store
from mediation import ingest
from mediation.compile import Record, compile_layout
from mediation.lines import judge
from mediation.load import load_layouts
from tests.listen.conftest import Start
from tests.listen.lumberjack import Client, event, events_of

GOLDEN = Path(__file__).resolve().parents[1] / "mediation" / "golden"
SHIPPED = {name: layout for name, layout in load_layouts().items() if "logstash" in layout.runners}


def stored(store: Store) -> dict[str, dict[str, Any]]:
    """Every record and reject by id, without when it was written and without line numbers, which Filebeat does not send."""
    store.refresh()
    found = {}
    for name in (*CDR_INDEX.values(), "cdr-reject"):
        for hit in store.scan(name):
            source = hit["_source"]
            source["event"].pop("ingested")
            source["log"].pop("line", None)
            found[hit["_id"]] = source
    return found


@pytest.mark.parametrize("name", SHIPPED)
def test_listen_stores_what_ingest_stores_of_the_same_file(store: Store, start: Start, name: str) -> None:
    (path,) = (GOLDEN / name).glob("input.*")
    report = ingest(store, [path], layout=name)
    by_ingest = stored(store)
    (fingerprint,) = {source["log"]["file"]["fingerprint"] for source in by_ingest.values()}
    empty(store)
    running = start()
    with Client(running.address) as client:
        events = events_of(path.read_bytes(), layout=name, path=str(path), fingerprint=fingerprint)
        assert client.ship(events)[-1] == len(events)
    running.stop()
    by_listen = stored(store)
    # Filebeat replaces what is no UTF-8, so that such a line is another one with the same reason.
    other = {"bad_encoding"}
    same = {key for key, source in by_ingest.items() if source.get("reject", {}).get("reason") not in other}
    assert {key: by_listen[key] for key in same} == {key: by_ingest[key] for key in same}
    rest = [source for key, source in by_listen.items() if key not in same]
    assert {source["reject"]["reason"] for source in rest if "reject" in source} <= other
    assert len(by_listen) == len(by_ingest)
    assert all("reject" in source for source in rest)
    counts = running.server.counts
    assert counts.balanced
    assert counts.lines == report.lines


def test_what_ingest_stored_is_a_duplicate_for_listen_and_the_first_sighting_stays(store: Store, start: Start) -> None:
    path = GOLDEN / "voip-public" / "input.csv"
    ingest(store, [path])
    before = stored(store)
    running = start()
    with Client(running.address) as client:
        client.ship(events_of(path.read_bytes(), layout="voip-public", path="/elsewhere/input.csv"))
    running.stop()
    assert stored(store).keys() - before.keys() == set() or all(
        source["reject"]["reason"] == "bad_encoding" for key, source in stored(store).items() if key not in before
    )
    assert {key: source["log"] for key, source in stored(store).items() if key in before} == {
        key: source["log"] for key, source in before.items()
    }
    assert running.server.counts.indexed == 0


def one(store: Store) -> tuple[str, dict[str, Any]]:
    ((key, source),) = stored(store).items()
    return key, source


def test_a_line_of_no_layout_is_kept_as_a_reject_as_logstash_keeps_it(store: Store, start: Start) -> None:
    with Client(start().address) as client:
        client.ship([event("a,b\r", layout="no-such-layout", offset=5)])
    key, source = one(store)
    assert key == joined(("", "a,b\r"))
    assert source == {
        "event": {},
        "log": {"file": {"path": "/cdr/a.csv"}, "offset": 5},
        "reject": {
            "reason": "bad_value",
            "detail": "no layout for fields.layout of the Filebeat input",
            "state": "suspended",
            "raw": "a,b\r",
        },
    }


def test_a_bad_line_has_no_line_number_and_the_fingerprint_only_where_filebeat_sends_one(
    store: Store, start: Start
) -> None:
    with Client(start().address) as client:
        client.ship([event("bad"), event("worse", fingerprint="f" * 64, offset=3)])
    store.refresh()
    logs = sorted((hit["_source"]["log"] for hit in store.scan("cdr-reject")), key=lambda log: log["offset"])
    assert logs == [
        {"file": {"path": "/cdr/a.csv"}, "offset": 0},
        {"file": {"path": "/cdr/a.csv", "fingerprint": "f" * 64}, "offset": 3},
    ]


@pytest.mark.parametrize("name", [name for name, layout in SHIPPED.items() if layout.headed])
def test_headers_and_blank_lines_are_no_data_wherever_they_come(store: Store, start: Start, name: str) -> None:
    layout = SHIPPED[name]
    header = layout.separator.join(layout.header)
    quoted = layout.separator.join(f'"{cell}"' for cell in layout.header)
    lines = [header, "\ufeff" + header, header + "\r", quoted, "", "\r", "\ufeff"]
    if layout.strip:
        lines.append(layout.separator.join(f" {cell}\t" for cell in layout.header))
    running = start()
    with Client(running.address) as client:
        client.ship([event(line, layout=name, offset=offset) for offset, line in enumerate(lines)])
        assert running.server.counts.lines == 0
        client.ship([event("x" + header, layout=name)])
    running.stop()
    assert running.server.counts.rejected == 1, "a header with another name in it is a line"
    assert stored(store)


@pytest.mark.parametrize("name", [name for name, layout in SHIPPED.items() if layout.format.others == "ignore"])
def test_more_columns_than_the_layout_has_are_rejects_since_no_header_tells_which(
    store: Store, start: Start, name: str
) -> None:
    (path,) = (GOLDEN / name).glob("input.*")
    separator = SHIPPED[name].separator.encode()
    outcome = judge(compile_layout(SHIPPED[name], b"key"), 10_000)
    records = [line for line in path.read_bytes().splitlines() if isinstance(outcome(line), Record)]
    lines = [line + separator + b"more" for line in records]
    running = start()
    with Client(running.address) as client:
        client.ship(events_of(b"\n".join(lines) + b"\n", layout=name))
    running.stop()
    assert (running.server.counts.indexed, running.server.counts.rejected) == (0, len(set(lines)))
    assert {source["reject"]["reason"] for source in stored(store).values()} == {"column_count"}


def test_a_line_too_long_is_a_reject_with_its_beginning(store: Store, start: Start) -> None:
    limit = store.settings.number("ingest.line.bytes")
    with Client(start().address) as client:
        client.ship([event("x" * (limit + 1))])
    key, source = one(store)
    assert key == joined(("voip-busyhour", "x" * (limit + 1)))
    assert source["reject"]["reason"] == "line_too_long"
    assert source["reject"]["raw"] == "x" * 8192


def test_no_end_of_a_file_is_known_so_that_the_ledger_stays_empty(store: Store, start: Start) -> None:
    with Client(start().address) as client:
        client.ship([event("bad")])
    store.refresh()
    assert store.count("cdr-reject") == 1
    assert store.count("cdr-file") == 0
