"""Whatever stands in the files: a network, or a refusal that names the file; nothing else comes out."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import DefinitionError
from datagen.definitions import FOLDER
from datagen.network import read_network
from datagen.pipeline import plan, tables

FILES = {name: yaml.safe_load((FOLDER / name).read_text("utf-8")) for name in ("network.yml", "profiles.yml")}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a file, the branches too."""
    if path:
        yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(item, (*path, key))


PLACES = [(name, path) for name, content in FILES.items() for path in leaves(content)]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**13),
    st.floats(),
    st.text(max_size=8),
    st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just({"x": {}}),
    st.just({1: 2}),
)


def put(name: str, path: tuple[Any, ...], junk: Any, folder: Path) -> tuple[Path, Path]:
    """Both files, with one value of one of them replaced."""
    content = copy.deepcopy(FILES)
    *way, last = path
    inner = content[name]
    for key in way:
        inner = inner[key]
    inner[last] = junk
    paths = folder / "network.yml", folder / "profiles.yml"
    for each, file in zip(content.values(), paths, strict=True):
        file.write_text(yaml.safe_dump(each), "utf-8")
    return paths


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PLACES), JUNK)
def test_network_is_read_or_refused_whatever_stands_in_it(
    tmp_path: Path, place: tuple[str, tuple[Any, ...]], junk: Any
) -> None:
    network, profiles = put(*place, junk, tmp_path)
    try:
        read_network(network, profiles)
    except DefinitionError as refusal:
        assert str(tmp_path / place[0]) in str(refusal) or place[0] == "profiles.yml"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([place for place in PLACES if place[0] == "network.yml"]),
    st.one_of(st.integers(0, 3), st.floats(0, 1), st.just(500)),
)
def test_network_that_is_read_makes_records(tmp_path: Path, place: tuple[str, tuple[Any, ...]], figure: float) -> None:
    files = put(*place, figure, tmp_path)
    try:
        network = read_network(*files)
    except DefinitionError:
        return
    rates = {"voip": 200.0, "sms": 200.0, "epc": 200.0}
    run = plan(start=date(2026, 11, 9), days=1, rate=rates, seed=1, network=network)
    for service in run.services:
        [table] = tables(run, service)
        customers = table["_customer"].values
        assert ((customers >= 0) & (customers < network.customers.count)).all()


def test_network_full_of_aliases_is_refused_briefly(tmp_path: Path) -> None:
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else '1, 1'}]" for n in range(9))
    text = (FOLDER / "network.yml").read_text("utf-8").replace("zone: UTC   ", "zone: *a8   ")
    (tmp_path / "network.yml").write_text(f"{levels}\n{text}", "utf-8")
    with pytest.raises(DefinitionError) as refusal:
        read_network(tmp_path / "network.yml")
    assert len(str(refusal.value)) < 500
