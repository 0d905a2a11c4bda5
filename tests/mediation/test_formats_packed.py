"""Packed files: read as they would be unpacked, and honest about damage."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from backports import zstd

from contracts.errors import UserError
from infrastructure.store import Store
from mediation import ingest
from mediation.collect import find_files, physical_lines
from mediation.containers import Damaged, kind_of, opened
from mediation.load import load_layouts
from mediation.samples import write_sample
from mediation.sniff import inspect

LAYOUTS = load_layouts()
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
}
packers = pytest.mark.parametrize("kind", PACKERS)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("plain") / "calls.csv"
    write_sample("voip-busyhour", path, rows=1500, seed=1)
    return path.read_bytes()


def _read(path: Path, most: int = 2**40, rng: Random | None = None) -> bytes:
    found = b""
    with opened(path, most) as stream:
        while piece := stream.read(rng.randrange(1, 100_000) if rng else 65_536):
            found += piece
            assert stream.tell() == len(found)
    return found


@packers
def test_packed_file_reads_as_its_content(kind: str, plain: bytes, tmp_path: Path) -> None:
    path = tmp_path / "calls"
    path.write_bytes(PACKERS[kind](plain))
    assert kind_of(path.read_bytes()) == kind
    assert _read(path, rng=Random(3)) == plain


@packers
def test_packed_files_put_together_read_as_one(kind: str, plain: bytes, tmp_path: Path) -> None:
    path = tmp_path / "calls"
    path.write_bytes(
        b"".join(PACKERS[kind](plain[at : at + 50_000]) for at in range(0, len(plain), 50_000)) + b"\0" * 512
    )
    assert _read(path) == plain


@packers
def test_packed_file_is_read_again_from_its_beginning(kind: str, plain: bytes, tmp_path: Path) -> None:
    path = tmp_path / "calls"
    path.write_bytes(PACKERS[kind](plain))
    with opened(path) as stream:
        first = stream.read(1000)
        stream.read(100_000)
        assert stream.seek(0) == 0
        assert stream.read(1000) == first


@packers
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97, 1.0])
def test_packed_file_gives_what_it_has_and_then_says_where_it_ends(
    kind: str, share: float, plain: bytes, tmp_path: Path
) -> None:
    packed = PACKERS[kind](plain)
    path = tmp_path / "calls"
    path.write_bytes(packed[: min(int(len(packed) * share), len(packed) - 1)])
    found = b""
    with opened(path) as stream, pytest.raises(Damaged) as damage:
        while piece := stream.read(4096):
            found += piece
    assert plain.startswith(found)
    assert f"beyond byte {len(found)} of its content: the packed data end too early" in str(damage.value.strerror)
    if kind == "gzip" and share == 0.5:
        assert len(found) > 0.3 * len(plain)


@packers
def test_packed_file_with_a_wrong_byte_is_damage_and_never_wrong_content(
    kind: str, plain: bytes, tmp_path: Path
) -> None:
    packed = bytearray(PACKERS[kind](plain))
    for place in Random(5).sample(range(10, len(packed)), 8):
        broken = bytearray(packed)
        broken[place] ^= 0x55
        path = tmp_path / "calls"
        path.write_bytes(broken)
        try:
            found = _read(path)
        except Damaged:
            continue
        # zstd writes no checksum unless asked, so that it may unpack to something else; the others never do.
        assert found == plain or kind == "zstd"


@packers
def test_packed_file_is_damage_when_it_unpacks_to_more_than_allowed(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(PACKERS[kind](b"0" * 30_000_000))
    with pytest.raises(Damaged, match=r"more than 1000000 bytes \(ingest\.unpacked\.bytes\)"):
        _read(path, most=1_000_000)


def _zip(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_zip_stands_for_the_files_in_it(plain: bytes, tmp_path: Path) -> None:
    path = _zip(tmp_path / "day.zip", **{"b/two.csv": plain, "one.csv": plain[:5000], ".hidden": b"x", "note.md": b"x"})
    files, errors = find_files([tmp_path])
    assert (files, errors) == ([path / "b/two.csv", path / "one.csv"], [])
    assert _read(files[0]) == plain
    assert find_files([path / "one.csv"]) == ([path / "one.csv"], [])
    source = inspect(files[1], LAYOUTS)
    assert (source.layout, source.size) == (LAYOUTS["voip-busyhour"], -1)


def test_zip_is_named_when_it_is_cut_or_leads_out_of_itself(plain: bytes, tmp_path: Path) -> None:
    path = _zip(tmp_path / "day.zip", **{"../evil.csv": plain, "/abs.csv": plain, "good.csv": plain})
    files, errors = find_files([path])
    assert files == [path / "good.csv"]
    assert ["leads out of it: '../evil.csv'" in errors[0].what, "'/abs.csv'" in errors[1].what] == [True, True]
    cut = tmp_path / "cut.zip"
    cut.write_bytes(path.read_bytes()[:-50])
    files, errors = find_files([cut])
    assert files == []
    assert "is no whole zip" in errors[0].what


def test_zip_member_is_damage_when_its_bytes_are_wrong(plain: bytes, tmp_path: Path) -> None:
    path = _zip(tmp_path / "day.zip", one=plain)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)
    with pytest.raises(Damaged):
        _read(path / "one")
    with pytest.raises(OSError, match=r"no item named"):
        _read(path / "two")


def test_file_packed_twice_is_refused(plain: bytes, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv.gz.gz"
    path.write_bytes(gzip.compress(gzip.compress(plain)))
    with pytest.raises(UserError, match=r"packed twice \(gzip\)"):
        inspect(path, LAYOUTS)


@packers
def test_fingerprint_and_lines_are_those_of_the_content(kind: str, plain: bytes, tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_bytes(plain)
    (tmp_path / "packed").write_bytes(PACKERS[kind](plain))
    sources = [inspect(tmp_path / name, LAYOUTS) for name in ("plain.csv", "packed")]
    assert sources[0].fingerprint == sources[1].fingerprint
    with sources[0].open() as one, sources[1].open() as other:
        assert list(physical_lines(one, 4096)) == list(physical_lines(other, 4096))


# Into the store


def _rows(store: Store) -> dict[str, dict[str, object]]:
    store.refresh("cdr-file", "cdr-voip")
    rows = [hit["_source"] for hit in store.scan("cdr-file")]
    return {Path(row["log"]["file"]["path"]).name: row["file"] for row in rows}


def test_ingest_takes_packed_files_and_doubles_nothing_of_the_plain_one(
    store: Store, plain: bytes, tmp_path: Path
) -> None:
    (tmp_path / "calls.csv").write_bytes(plain)
    for kind, pack in PACKERS.items():
        (tmp_path / f"calls.csv.{kind}").write_bytes(pack(plain))
    _zip(tmp_path / "calls.zip", **{"calls.csv": plain})
    report = ingest(store, [tmp_path])
    assert report.ok
    assert (report.indexed, report.duplicate, report.lines) == (1500, 5 * 1500, 6 * 1500)
    assert {row["state"] for row in _rows(store).values()} == {"closed"}
    again = ingest(store, [tmp_path])
    assert (again.indexed, again.duplicate) == (0, 6 * 1500)


def test_ingest_leaves_the_books_open_when_a_packed_file_is_cut(store: Store, plain: bytes, tmp_path: Path) -> None:
    packed = gzip.compress(plain)
    path = tmp_path / "calls.csv.gz"
    path.write_bytes(packed[: len(packed) // 2])
    report = ingest(store, [path])
    assert not report.ok
    assert "cannot be unpacked beyond byte" in report.errors[0].what
    assert "deliver it again whole" in report.errors[0].remedy
    assert _rows(store)["calls.csv.gz"]["state"] == "open"
    written = store.count("cdr-voip")
    assert 0 < written < 1500
    path.write_bytes(packed)
    whole = ingest(store, [path])
    assert whole.ok
    assert (whole.indexed, whole.duplicate) == (1500 - written, written)
    assert _rows(store)["calls.csv.gz"]["state"] == "closed"
    assert _rows(store)["calls.csv.gz"]["indexed"] == 1500


def test_ingest_stops_at_the_limit_of_a_bomb(store: Store, plain: bytes, tmp_path: Path) -> None:
    header = plain.split(b"\n")[0] + b"\n"
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(header + b"0" * 5_000_000))
    store.settings = store.settings.with_values(ingest_unpacked_bytes=1_000_000)
    report = ingest(store, [tmp_path])
    assert "more than 1000000 bytes" in report.errors[0].what
    assert report.lines == 0
