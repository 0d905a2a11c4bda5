"""Files into the store: counts that add up, refused lines with reasons, twice is once, a server that dies on the way."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, func, select

from contracts.errors import UserError
from tests.usage.usage_samples import KEY, people
from usage import schema
from usage.bench import write_sample
from usage.books import list_loads
from usage.engine import UsageStore
from usage.importing import chunks
from usage.importing import records as importing
from usage.importing.customers import import_customers
from usage.importing.records import ImportReport, import_records
from usage.mariadb import LocalMariaDB
from usage.migrate import set_up
from usage.records.customers import put_customers
from usage.records.facts import differences
from usage.records.kinds import KINDS

ROWS = 900


def load(store: UsageStore, file: Path, kind: str = "call", rejects: Path | None = None) -> ImportReport:
    return import_records(store, file, kind, zone=ZoneInfo("Europe/Berlin"), key=KEY, rejects=rejects)


def stored(store: UsageStore, kind: str) -> int:
    table = schema.RECORD_TABLES[kind]
    return store.read(lambda connection: connection.scalar(select(func.count()).select_from(table))) or 0


@pytest.fixture
def samples(usage_store: UsageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of each kind, customers for them, and chunks small enough that a file has several."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 20_000)
    put_customers(usage_store, [{"id": f"C{at:07d}", "name": "n", "plan": "PLAN1"} for at in range(20)], KEY)
    for kind in KINDS:
        write_sample(tmp_path / f"{kind}.csv", kind, ROWS, 20, seed=3)
    return tmp_path


def test_import_stores_every_line_once_however_often_it_runs(usage_store: UsageStore, samples: Path) -> None:
    for kind in KINDS:
        first, second = (load(usage_store, samples / f"{kind}.csv", kind) for _ in range(2))
        assert first.counts == (ROWS, ROWS, 0, 0), first.bad
        assert second.counts == (ROWS, 0, ROWS, 0)
        assert stored(usage_store, kind) == ROWS
    assert usage_store.read(differences) == 0
    assert [row["inserted"] + row["present"] + row["rejected"] for row in list_loads(usage_store)] == [ROWS] * 6


def test_import_says_why_each_line_is_refused_and_keeps_it_for_mending(usage_store: UsageStore, tmp_path: Path) -> None:
    people(usage_store)
    file, rejects = tmp_path / "calls.csv", tmp_path / "rejects.csv"
    lines = [
        "customer,msisdn,started,duration,direction,peer,ref",
        "C1,,2026-11-20 10:00,60,made,+441,a",
        ",+999550000000002,2026-11-20T10:00:00+05:45,1:00,received,Bank,b",
        "C9,,2026-11-20 10:00,60,made,+441,c",
        "C1,,2026-11-20 10:00,-60,made,+441,d",
        "C1,,2126-11-20 10:00,60,made,+441,e",
        "C1,,2026-11-20 10:00,60,made",
        "",
        'C1,,2026-11-20 10:00,60,made,"+441"x,f',
        "C1,,2026-11-20 10:00,60,made,'; DROP TABLE calls; --,g",
        f"C1,,2026-11-20 10:00,60,made,+441,{'x' * 101}",
        "C1,,2026-11-20 10:00,60,made,+441,\x1b[31m",
        "C1,,2026-11-20 10:00,60,made,+441,a",
        f"C1,,2026-11-20 10:00,60,made,+441,{'y' * 70_000}",
    ]
    file.write_bytes("\n".join(lines).encode() + b"\nC1,,2026-11-20 10:00,60,made,+441,\xff\xfe\n")
    report = load(usage_store, file, rejects=rejects)
    assert report.counts == (13, 2, 1, 10)
    assert dict(report.reasons) == {
        "unknown_customer": 1,
        "negative_duration": 1,
        "future_time": 1,
        "bad_line": 3,
        "bad_number": 1,
        "too_long": 1,
        "control_characters": 2,
    }
    assert {each.line for each in report.bad} == {4, 5, 6, 7, 9, 10, 11, 12, 14, 15}
    text = rejects.read_text(encoding="utf-8", errors="surrogateescape")
    kept = list(csv.DictReader(io.StringIO(text)))
    assert len(kept) == 10
    assert {"busyhour_reason", "busyhour_detail"} <= set(kept[0])
    mended = text.replace("C9", "C2").replace("60,made,,", "60,made,+442,")
    (tmp_path / "mended.csv").write_text(mended, encoding="utf-8", errors="surrogateescape")
    assert (
        load(usage_store, tmp_path / "mended.csv").counts.inserted == 2
    )  # the unknown customer, and the line that was short


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("customer,started,duration,direction,pier", "did you mean peer"),
        ("customer,started,duration", "direction is missing"),
        ("started,duration,direction", "customer or msisdn is missing"),
        ("customer,customer,started,direction", "twice"),
        ("", "missing"),
        ("\x00", "unknown column"),
    ],
)
def test_import_refuses_a_header_that_does_not_fit(
    one_store: UsageStore, tmp_path: Path, header: str, words: str
) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(header + "\n1,2,3\n")
    with pytest.raises(UserError, match=words):
        load(one_store, file)


def test_import_leaves_no_rejects_file_when_it_fails(
    usage_store: UsageStore, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dead(Exception):
        """Something that nobody foresaw."""

    def dies(*_: object) -> None:
        raise Dead

    monkeypatch.setattr(importing.Load, "put", dies)
    with pytest.raises(Dead):
        load(usage_store, samples / "call.csv", rejects=samples / "rejects.csv")
    assert not list(samples.glob("rejects*"))
    assert list_loads(usage_store)[0]["finished"] is None


def test_import_doubles_nothing_when_the_answer_to_a_commit_is_lost(usage_store: UsageStore, samples: Path) -> None:
    """The connection dies after the server committed: the chunk is there, and is counted once."""
    lost: list[int] = []

    real = usage_store.write

    def write(work: object) -> object:
        answer = real(work)  # type: ignore[arg-type]
        if getattr(work, "__qualname__", "").startswith("Load.put") and len(lost) < 2:
            lost.append(1)
            return real(work)  # type: ignore[arg-type] # what a client does that never heard of the commit
        return answer

    usage_store.write = write  # type: ignore[method-assign, assignment]
    report = load(usage_store, samples / "call.csv")
    assert lost == [1, 1]
    assert report.counts == (ROWS, ROWS, 0, 0)
    assert (stored(usage_store, "call"), usage_store.read(differences)) == (ROWS, 0)


def test_import_goes_on_after_the_server_was_killed_in_mid_transaction(
    tmp_path: Path, opened: Callable[..., UsageStore], mariadb: LocalMariaDB
) -> None:
    """Rolled back by the server, done again by us: nothing lost, nothing doubled, the sums right."""
    store = opened(mariadb.database("killed"), usage_wait_sec=60)
    set_up(store)
    put_customers(store, [{"id": f"C{at:07d}", "name": "n", "plan": "PLAN1"} for at in range(20)], KEY)
    write_sample(tmp_path / "call.csv", "call", ROWS, 20, seed=3)
    killed = threading.Event()

    def kills(connection: object, cursor: object, statement: str, *_: object) -> None:
        """After the records were written and before the sums: in the middle of the transaction."""
        if "network_quarters" in statement and not killed.is_set():
            killed.set()
            mariadb.kill()
            threading.Thread(target=mariadb.start).start()

    event.listen(store.engine, "before_cursor_execute", kills)
    report = load(store, tmp_path / "call.csv")
    event.remove(store.engine, "before_cursor_execute", kills)
    assert killed.is_set()
    assert report.counts == (ROWS, ROWS, 0, 0)
    assert (stored(store, "call"), store.read(differences)) == (ROWS, 0)


def test_customers_come_from_csv_and_from_json_lines(usage_store: UsageStore, tmp_path: Path) -> None:
    table, lines = tmp_path / "c.csv", tmp_path / "c.ndjson"
    table.write_text('id,name,plan,msisdns\nC1,Ann,PLAN1,"+999550000000001,+999550000000002"\nC2,,PLAN1,\nC3,Cy,P,+1\n')
    found = import_customers(usage_store, table, KEY)
    assert (found.customers, found.rejected) == (1, 2)
    row = {
        "customer_id": "C1",
        "name": "Anna",
        "kind": "business",
        "msisdns": ["+999550000000001"],
        "services": ["voip"],
    }
    lines.write_text("\n".join([json.dumps(row), "[" * 100_000, "7", json.dumps(row | {"customer_id": "C4"})]))
    found = import_customers(usage_store, lines, KEY)
    assert (found.customers, found.rejected) == (1, 3)
    assert any("is of customer C1" in words for words in found.refused or ())
    names = usage_store.read(
        lambda connection: connection.execute(select(schema.customers.c.id, schema.customers.c.name)).all()
    )
    assert [tuple(row) for row in names] == [("C1", "Anna")]


def test_customers_of_a_broken_file_are_refused_with_line_and_reason(usage_store: UsageStore, tmp_path: Path) -> None:
    table = tmp_path / "c.csv"
    table.write_text("id,name,plan\nC1,Ann,PLAN1\nC2,Smith, Bob,PLAN1\nC3,Cy\n")
    found = import_customers(usage_store, table, KEY)
    assert (found.customers, found.rejected) == (1, 2)
    assert found.refused == [f"{table}:{line}: has more or fewer cells than the header" for line in (3, 4)]
    for content, words in (("id,name,plan\nC4," + "x" * 70_000, "field larger"), ('id,name\nC4,"x', "unexpected end")):
        table.write_text(content)
        with pytest.raises(UserError, match=words):
            import_customers(usage_store, table, KEY)
    lines = tmp_path / "c.ndjson"
    lines.write_text("{\n")
    assert import_customers(usage_store, lines, KEY).refused == [f"{lines}:1: is no JSON object"]
