"""KPIs of what numbers do: a SIM box, Wangiri and a hacked PBX are seen, their look-alikes are not; ES|QL and the twin agree."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.clock import epoch_ms, iso
from contracts.errors import DefinitionError
from contracts.settings import Settings, read
from infrastructure.store import Store
from kpis import catalogue, twin
from kpis.parts import RESOLUTIONS, Point
from kpis.pipeline import rollup
from tests.kpis.random_records import put
from tests.kpis.stored import assert_same, placed, stored

HOUR = datetime(2026, 11, 3, 22, 0, tzinfo=UTC)  # its calls go on past midnight
INGESTED = datetime(2026, 11, 10, tzinfo=UTC)
Document = dict[str, Any]


def call(
    caller: str, called: str | None, after: float, *, group: str = "access", to: str = "TG1", talk: float = 60
) -> Document:
    """A call that ends `after` hours; `talk` 0: nobody answered."""
    end = HOUR + timedelta(hours=after)
    voip: Document = {
        "disposition": "answered" if talk else "ringing",
        "calling": {"number": caller},
        "trunk_group": {"originating": group, "terminating": to},
    }
    if talk:
        voip["duration"] = {"sec": talk}
    if called is not None:
        voip["called"] = {"number": called}
    times = {"end": iso(end), "start": iso(end - timedelta(seconds=talk + 5)), "ingested": iso(INGESTED)}
    return {"@timestamp": iso(end), "event": times, "service": {"name": "voip"}, "voip": voip}


def calls(caller: str, count: int, *, at: float = 0.0, repeat: bool = False, **more: Any) -> list[Document]:
    return [call(caller, f"{caller}-{0 if repeat else n}", at + (n + 0.5) / (count + 1), **more) for n in range(count)]


def points(documents: list[Document]) -> dict[int, list[Point]]:
    """The twin's."""
    return twin.roll(catalogue.load(read({})), catalogue.services()["voip"], documents, epoch_ms(INGESTED), density=0)


def numerators(documents: list[Document], kpi: str, resolution: int = 3600) -> dict[tuple[str, datetime], float]:
    return {
        (one.entity, datetime.fromtimestamp(one.bucket_ms / 1000, UTC)): one.numerator
        for one in points(documents)[resolution]
        if one.kpi == kpi and one.numerator
    }


def test_a_sim_box_shows_at_its_access_and_in_the_service() -> None:
    found = numerators(calls("sim", 5) + calls("person", 2), "voip.sim_box_share")
    assert found == {("service:voip", HOUR): 5, ("trunk_group_in:access", HOUR): 5}


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param(calls("sim", 3), id="too few calls"),
        pytest.param(calls("chatty", 9, repeat=True), id="always the same number"),
        pytest.param([*calls("desk", 9), call("friend", "desk", 0.5)], id="it is called, too"),
        pytest.param(calls("dialler", 9, talk=0), id="nobody answers"),
        pytest.param(calls("sim", 3) + calls("sim", 3, at=1.0), id="three an hour in two hours"),
        pytest.param(calls("pbx", 3) + calls("pbx", 3, group="carrier-in"), id="three on each of two groups"),
    ],
)
def test_look_alikes_of_a_sim_box_are_left_alone(documents: list[Document]) -> None:
    assert numerators(documents, "voip.sim_box_share") == {}


def test_wangiri_and_long_calls_are_told_apart_from_a_sim_box() -> None:
    documents = calls("ringer", 9, group="carrier-in", talk=0) + calls("pumped", 6, talk=900.0)
    assert numerators(documents, "voip.wangiri_share")["trunk_group_in:carrier-in", HOUR] == 9
    assert numerators(documents, "voip.long_call_share")["trunk_group:TG1", HOUR] == 6
    assert ("trunk_group_in:carrier-in", HOUR) not in numerators(documents, "voip.sim_box_share")


def test_a_day_is_the_sum_of_its_hours() -> None:
    documents = calls("sim", 5) + calls("sim", 6, at=1.0) + calls("sim", 7, at=2.0)
    days = numerators(documents, "voip.sim_box_share", 86400)
    day = HOUR.replace(hour=0)
    assert {at: calls for (entity, at), calls in days.items() if entity == "service:voip"} == {
        day: 11,
        day + timedelta(days=1): 7,
    }


def test_the_node_and_the_twin_agree(store: Store, sparse_settings: Settings) -> None:
    chance = random.Random(7)
    documents: list[Document] = []
    for _ in range(1200):
        caller = chance.choice(["a", "b", 'c"', "d\\", "e", "f"])
        called = chance.choice([None, "a", *(f"n{n}" for n in range(40))])
        talk = chance.choice([0.0, 0.0, 30.0, 400.0, 900.5])
        group, to = chance.choice(["access", "x:y", "service:voip"]), chance.choice(["TG1", "TG2"])
        documents.append(call(caller, called, chance.random() * 5, group=group, to=to, talk=talk))
    documents += calls("sim", 12) + calls("ringer", 15, talk=0, at=2) + calls("pumped", 8, talk=500.0, at=1)
    put(store, "voip", documents)
    until = HOUR + timedelta(hours=6)
    rollup(store, until=until, now=INGESTED + timedelta(hours=1))
    definitions, services = catalogue.load(store.settings), catalogue.services()
    expected = twin.roll(
        definitions, services["voip"], documents, epoch_ms(until), density=int(store.settings.number("kpi.density"))
    )
    for resolution in RESOLUTIONS:
        assert_same(stored(store, resolution), placed(expected[resolution]))
    shares = [one for one in expected[3600] if one.kpi == "voip.long_call_share" and one.numerator]
    assert len(shares) > 10


def test_a_definition_that_names_no_field_is_refused(tmp_path: Any) -> None:
    text = (
        (catalogue.FOLDER / "voip.sim_box_share.yml")
        .read_text()
        .replace("caller: voip.calling.number", "caller: voip.caling.number")
    )
    (tmp_path / "voip.sim_box_share.yml").write_text(text)
    with pytest.raises(
        DefinitionError, match=r"voip\.caling\.number is no keyword field \(did you mean voip\.calling\.number"
    ):
        catalogue.load(read({}), tmp_path)
