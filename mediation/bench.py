"""How fast files become documents, against how fast the same node takes the same documents without us, in one run."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from contracts.clock import parse_iso
from contracts.errors import UserError
from contracts.indices import ALL
from infrastructure.memory import peak_bytes
from infrastructure.secrets import pii_key
from infrastructure.setup import set_up, tear_down
from infrastructure.store import Store
from mediation.collect import regions
from mediation.columns.compile import compile_columns
from mediation.compile import Record, compile_layout
from mediation.lines import judge
from mediation.load import load_layouts
from mediation.pipeline import ingest
from mediation.samples import write_sample
from mediation.values import Memo

LAYOUT = "voip-busyhour"
_LINE_BYTES = 200  # about, of the made files


@dataclass(frozen=True, slots=True)
class _Round:
    """Seconds by the wall, and of processor time here and in the node."""

    wall: float
    here: float
    node: float


def bench_ingest(
    store: Store, *, rows: int = 100_000, seed: int = 1, rounds: int = 3, say: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """Ingests a made VoIP file of `rows` lines end to end, and sends its documents as ready bulk bodies (same chunks,
    same number of senders) into an emptied index; turn by turn, medians of `rounds`.

    Returns records_per_s, raw_bulk_per_s, ratio, peak_rss_bytes (of this process, before the raw bodies are held),
    cpu_s, node_cpu_s (of the ingest), rows. Raises UserError unless the store is empty: the bench empties it every round.
    """
    _refuse_data(store)
    with TemporaryDirectory(prefix="busyhour-bench-") as folder:
        path = Path(folder) / "voip.csv"
        write_sample(LAYOUT, path, rows=rows, seed=seed)
        say("warming up")
        _emptied(store, lambda: _ingest(store, path, rows))
        peak = peak_bytes()
        bodies = _bodies(store, path)
        ours, raw = [], []
        for turn in range(rounds):
            say(f"round {turn + 1} of {rounds}")
            ours.append(_emptied(store, lambda: _ingest(store, path, rows)))
            raw.append(_emptied(store, lambda: _send(store, bodies)))
        _empty(store)
    return _figures(rows, ours, raw, peak)


def bench_lines(*, rows: int = 100_000, seed: int = 1, rounds: int = 5) -> dict[str, Any]:
    """Lines of a made VoIP file to documents, without a store, against what `csv.DictReader` takes to read the file alone.

    Returns microseconds a line of processor time, medians of `rounds`: `document_us` (text of a bulk request, as an ingest makes
    it), `dictionary_us` (the same document as a dictionary, the way of odd lines), `csv_us`, and `ratio` = document / csv.
    """
    layout = load_layouts()[LAYOUT]
    columns, mediate = compile_columns(layout, b"bench"), compile_layout(layout, b"bench").mediate
    heads = {service: Memo(lambda day: f'{{"create":{{"_index":"{day}","_id":"') for service in layout.services}
    with TemporaryDirectory(prefix="busyhour-bench-") as folder:
        path = Path(folder) / "voip.csv"
        write_sample(LAYOUT, path, rows=rows, seed=seed)
        lines = path.read_text().splitlines()[1:]

        def documents() -> None:
            taken = 0
            with path.open("rb") as stream:
                stream.readline()
                for offset, _, region in regions(stream, 1 << 20):
                    assert columns is not None  # noqa: S101  the layout is a plain one
                    taken += len(columns.take(region, offset, log='"log":{', stamp="", latest="~", heads=heads).texts)
            if taken != rows:
                raise UserError(f"{taken} of {rows} lines of the bench file were taken many at a time")

        def dictionaries() -> None:
            for line in lines:
                mediate(line)

        def reader() -> None:
            with path.open(newline="") as stream:
                for _ in csv.DictReader(stream):
                    pass

        ways = (documents, dictionaries, reader)
        turns = [[_cpu(way) for way in ways] for _ in range(rounds)]
    mine, slow, theirs = (median(turn[index] for turn in turns) / rows * 1e6 for index in range(3))
    return {
        "document_us": round(mine, 2),
        "dictionary_us": round(slow, 2),
        "csv_us": round(theirs, 2),
        "ratio": round(mine / theirs, 2),
        "rows": rows,
        "rounds": rounds,
    }


def _cpu(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def bench_memory(
    store: Store, *, small: int, large: int, seed: int = 1, say: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """Peak memory of this process after an ingest of a made VoIP file of `small` megabytes, and after one of `large`.

    Returns small_peak_bytes, large_peak_bytes, ratio, and the bytes of both files. Raises UserError unless the store is empty.
    """
    _refuse_data(store)
    peaks, sizes = [], []
    with TemporaryDirectory(prefix="busyhour-bench-") as folder:
        for number, megabytes in enumerate((small, large)):
            path = Path(folder) / f"voip-{number}.csv"
            say(f"writing {megabytes} MB")
            rows = megabytes * 1_000_000 // _LINE_BYTES
            _write_elsewhere(path, rows, seed)
            sizes.append(path.stat().st_size)
            say(f"ingesting {megabytes} MB")
            _emptied(store, lambda path=path, rows=rows: _ingest(store, path, rows))  # type: ignore[misc]
            peaks.append(peak_bytes())
            path.unlink()
        _empty(store)
    return {
        "small_peak_bytes": peaks[0],
        "large_peak_bytes": peaks[1],
        "ratio": round(peaks[1] / peaks[0], 3),
        "small_bytes": sizes[0],
        "large_bytes": sizes[1],
    }


def _write_elsewhere(path: Path, rows: int, seed: int) -> None:
    """The made file, by a process of its own: what it holds meanwhile is not to be measured."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(partial(write_sample, LAYOUT, path, rows=rows, seed=seed)).result()


def _figures(rows: int, ours: Sequence[_Round], raw: Sequence[_Round], peak: int) -> dict[str, Any]:
    records, bulk = rows / median(turn.wall for turn in ours), rows / median(turn.wall for turn in raw)
    return {
        "records_per_s": round(records, 1),
        "raw_bulk_per_s": round(bulk, 1),
        "ratio": round(records / bulk, 3),
        "peak_rss_bytes": peak,
        "cpu_s": round(median(turn.here for turn in ours), 3),
        "node_cpu_s": round(median(turn.node for turn in ours), 3),
        "rows": rows,
        "rounds": len(ours),
    }


def _refuse_data(store: Store) -> None:
    set_up(store)
    store.refresh()
    held = [index.name for index in ALL if store.count(index.name)]
    if held:
        raise UserError(
            f"the bench wants an empty Elasticsearch; there are documents in {', '.join(held)}",
            remedy="point BUSYHOUR_HOME at a new folder and start a node there",
        )


def _empty(store: Store) -> None:
    tear_down(store)
    set_up(store)


def _emptied(store: Store, work: Callable[[], None]) -> _Round:
    _empty(store)
    wall, here, node = time.perf_counter(), time.process_time(), _node_cpu(store)
    work()
    return _Round(time.perf_counter() - wall, time.process_time() - here, _node_cpu(store) - node)


def _node_cpu(store: Store) -> float:
    """Processor seconds of all nodes since they started."""
    answer = store.exchange.ask(
        "GET", "/_nodes/stats/process", params={"filter_path": "nodes.*.process.cpu.total_in_millis"}
    )
    return float(sum(node["process"]["cpu"]["total_in_millis"] for node in answer["nodes"].values())) / 1000


def _ingest(store: Store, path: Path, rows: int) -> None:
    report = ingest(store, [path], visible=False)  # as the command does it
    if report.indexed != rows:
        raise UserError(f"{report.indexed} of {rows} lines were indexed: {report.as_dict()}")


def _bodies(store: Store, path: Path) -> list[bytes]:
    """The bulk bodies that an ingest of `path` sends."""
    mediate = judge(
        compile_layout(load_layouts()[LAYOUT], pii_key(store.settings)), store.settings.number("ingest.line.bytes")
    )
    index = ""
    lines: list[bytes] = []
    log = {"path": str(path), "fingerprint": "0" * 64}
    with path.open("rb") as stream:
        offset = len(stream.readline())
        for raw in stream:
            record = mediate(raw.rstrip(b"\n"))
            if not isinstance(record, Record):
                raise UserError(f"bench line is a reject: {record}")
            document = record.document
            document["log"] = {"file": log, "offset": offset}
            document["event"]["ingested"] = record.timestamp
            index = store.place("cdr-voip", parse_iso(record.timestamp))
            action = {"create": {"_index": index, "_id": record.id}}
            lines.append(orjson.dumps(action) + b"\n" + orjson.dumps(document) + b"\n")
            offset += len(raw)
    size = store.settings.number("ingest.chunk.lines")
    return [b"".join(lines[start : start + size]) for start in range(0, len(lines), size)]


def _send(store: Store, bodies: Sequence[bytes]) -> None:
    with ThreadPoolExecutor(store.settings.number("ingest.senders")) as pool:
        for answer in pool.map(store.send, bodies):
            if any(item["create"]["status"] != 201 for item in answer["items"]):
                raise UserError("a raw bulk document was not written")
