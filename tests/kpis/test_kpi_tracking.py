"""Definitions of tracked KPIs: what ships, what is refused, revisions, overlays, retirement."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.errors import ConflictError, DefinitionError, UserError
from contracts.settings import read as read_settings
from infrastructure.store import Store
from kpis.tracking import LEVELS, Limits, Target, load
from kpis.tracking.editing import define, lay_over, retire, revisions
from kpis.tracking.reading import read
from kpis.tracking.registry import put_together, shipped

WHO = {"by": "anna", "why": "a test"}
MANUAL: dict[str, Any] = {
    "id": "desk.effort", "name": "Effort a ticket", "unit": "h", "bad": "high", "source": {"kind": "manual"},
}  # fmt: skip


def _formula(name: str, text: str, **more: Any) -> dict[str, Any]:
    source = {"kind": "formula", "formula": text}
    return {"id": name, "name": "A formula", "unit": "ratio", "bad": "low", "source": source, **more}


def test_at_least_forty_shipped_kpis_have_a_source_and_say_unit_and_standard() -> None:
    known = shipped(read_settings({}))
    connected = [one for one in known.values() if one.counts]
    assert len(connected) >= 40
    for one in known.values():
        assert one.unit and one.standard and one.name, one.id
        assert one.formula or one.measure or one.cdr or one.source in ("manual", "usage", "written"), one.id
    groups = {one.group for one in connected}
    assert {
        "robustness",
        "availability",
        "network",
        "call failure",
        "congestion",
        "service desk",
        "books",
        "usage",
    } <= groups


def test_templates_that_only_people_know_ship_and_do_not_count() -> None:
    one = shipped(read_settings({}))["deployment.efficiency"]
    assert one.source == "manual" and not one.counts


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"nmae": "x"}, "did you mean name?"),
        ({"id": "Voip Ner"}, "id"),
        ({"id": "x.y; DROP"}, "id"),
        ({"bad": "worse"}, "bad"),
        ({"target": {"at_least": float("nan")}, "bad": "low"}, "no number"),
        ({"target": {"at_least": float("inf")}, "bad": "low"}, "no number"),
        ({"target": {"at_least": 1}}, "contradicts"),
        ({"thresholds": {"warning": 3, "critical": 2}}, "must rise"),
        ({"name": "x" * 201}, "name"),
        ({"source": {"kind": "magic"}}, "magic"),
        ({"source": {"kind": "formula"}}, "formula"),
        ({"source": {"kind": "http", "url": "file:///etc/passwd", "pointer": ""}}, "url"),
        ({"source": {"kind": "http", "url": "http://x/", "pointer": "a"}}, "pointer"),
        ({"source": {"kind": "file", "path": ""}}, "path"),
        ({"dimensions": []}, "dimensions"),
        ({"entities": {"nobody": {"target": {"at_most": 1}}}}, "nobody"),
    ],
)
def test_a_bad_definition_is_refused_by_key(change: dict[str, Any], says: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        read({**MANUAL, **change}, "effort.yml")
    assert "effort.yml" in str(refused.value) and says in str(refused.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"index": "tickets"}, "did you mean ticket?"),
        ({"time": "ticket.opened"}, "is no date field"),
        ({"numerator": "COUNT(*) WHERE ticket.prio == 1"}, "ticket.prio"),
        ({"numerator": "DROP(*)"}, "numerator"),
        ({"entities": {"service": "service.nam"}}, "did you mean service.name?"),
        ({"denominator": "COUNT(*)"}, "a count has no denominator"),
        ({"measure": "ratio"}, "a count has no denominator, a ratio or mean has one"),
    ],
)
def test_a_measure_over_an_index_names_unknown_fields(change: dict[str, Any], says: str) -> None:
    source = {
        "kind": "store", "index": "ticket", "time": "@timestamp", "measure": "count", "numerator": "COUNT(*)",
        "entities": {"network": ""}, **change,
    }  # fmt: skip
    with pytest.raises(DefinitionError) as refused:
        read({**MANUAL, "source": source}, "t")
    assert says in str(refused.value)


def test_levels_are_breached_in_the_bad_direction_and_the_worst_counts() -> None:
    low = Limits(Target(">=", 0.99), {"warning": 0.98, "critical": 0.9})
    assert [low.breached(value, "low") for value in (0.995, 0.985, 0.95, 0.5)] == ["", "target", "warning", "critical"]
    high = Limits(None, {"minor": 5.0, "major": 9.0})
    assert [high.breached(value, "high") for value in (5.0, 5.1, 10.0)] == ["", "minor", "major"]
    assert LEVELS[0] == "warning"


def test_definition_is_created_changed_and_every_revision_stays_readable(store: Store) -> None:
    first = define(store, MANUAL, **WHO, expect=0)
    renamed = define(store, {**MANUAL, "name": "Effort per ticket"}, by="bo", why="better words")
    changed = define(store, {**MANUAL, "unit": "min"}, by="bo", why="finer", expect=2)
    assert (first.number, renamed.number, changed.number) == (1, 2, 3)
    assert (first.version, renamed.version, changed.version) == (
        1,
        1,
        2,
    )  # the unit is what a value means, the name is not
    found = load(store).find("desk.effort")
    assert (found.unit, found.version, found.revision) == ("min", 2, 3)
    history = revisions(store, "desk.effort")
    assert [each.body["unit"] for each in history] == ["h", "h", "min"]
    assert [each.by for each in history] == ["anna", "bo", "bo"]


def test_somebody_who_read_an_older_revision_is_told(store: Store) -> None:
    define(store, MANUAL, **WHO)
    define(store, {**MANUAL, "name": "Another name"}, **WHO, expect=1)
    with pytest.raises(ConflictError, match="revision 2"):
        define(store, {**MANUAL, "name": "My name"}, **WHO, expect=1)
    assert load(store).find("desk.effort").name == "Another name"


def test_unknown_kpi_and_circle_are_refused_and_nothing_is_written(store: Store) -> None:
    with pytest.raises(DefinitionError, match=r"did you mean voip\.ner\?"):
        define(store, _formula("own.a", "1 - voip.nerr"), **WHO)
    define(store, _formula("own.a", "1 - voip.ner"), **WHO)
    define(store, _formula("own.b", "own.a * 2"), **WHO)
    with pytest.raises(DefinitionError, match=r"own\.a → own\.b → own\.a"):
        define(store, _formula("own.a", "own.b / 2"), **WHO)
    with pytest.raises(DefinitionError, match="circle"):
        define(store, _formula("own.c", "own.c + 1"), **WHO)
    assert load(store).find("own.a").revision == 1
    assert "own.c" not in load(store).known


def test_what_a_formula_needs_cannot_be_retired_and_a_retired_one_comes_back(store: Store) -> None:
    define(store, MANUAL, **WHO)
    define(store, _formula("own.a", "desk.effort * 2", schedule=["1d"]), **WHO)
    with pytest.raises(UserError, match=r"is used by own\.a"):
        retire(store, "desk.effort", **WHO)
    retire(store, "own.a", **WHO)
    retire(store, "desk.effort", **WHO)
    assert not {"desk.effort", "own.a"} & {one.id for one in load(store).active()}
    with pytest.raises(DefinitionError, match="is retired"):
        define(store, _formula("own.d", "desk.effort", schedule=["1d"]), **WHO)
    define(store, MANUAL, **WHO)
    assert load(store).find("desk.effort").active


def test_formula_over_kpis_with_longer_buckets_only_is_refused(store: Store) -> None:
    with pytest.raises(DefinitionError, match="no values by 3600 s"):
        define(store, _formula("own.a", "deployment.efficiency / 2"), **WHO)


def test_shipped_kpi_is_read_only_and_takes_an_overlay(store: Store) -> None:
    with pytest.raises(DefinitionError, match="is shipped"):
        define(store, {**MANUAL, "id": "voip.ner"}, **WHO)
    with pytest.raises(DefinitionError, match="cannot be changed"):
        lay_over(store, "NER", {"unit": "percent"}, **WHO)
    with pytest.raises(UserError, match="cannot be retired"):
        retire(store, "voip.mos", **WHO)
    own = {
        "owner": "carrier desk",
        "target": {"at_least": 0.97},
        "entities": {"trunk_group:TG2": {"target": {"at_least": 0.9}}},
    }
    lay_over(store, "NER", own, **WHO)
    found = load(store).find("voip.ner")
    assert found.owner == "carrier desk" and found.limits.target == Target(">=", 0.97)
    assert found.limits_of("trunk_group:TG2").target == Target(">=", 0.9)
    assert found.definition().target == 0.97 and found.version == shipped(store.settings)["voip.ner"].version
    lay_over(store, "NER", {}, **WHO)
    assert load(store).find("voip.ner").limits.target == Target(">=", 0.99)


@pytest.mark.parametrize("text", ["", "   ", "x" * 1001, "a\x00b", "a\x1b[31mb"])
def test_why_must_be_words(store: Store, text: str) -> None:
    with pytest.raises(UserError, match="why"):
        define(store, MANUAL, by="anna", why=text)
    assert not revisions(store, "desk.effort")


def test_one_stored_definition_that_cannot_be_read_leaves_the_others_alone() -> None:
    base = shipped(read_settings({}))
    broken = {
        "kpi": {"id": "own.a", "version": 1},
        "definition": {"revision": 1, "state": "active", "body": "{not json"},
    }
    found = put_together(base, [broken])
    assert "own.a" not in found.known and found.known.keys() == base.keys()
    assert found.problems and "own.a" in found.problems[0]
