"""The expressions of KPIs: what is taken, what is refused and how, and that ES|QL and Python mean the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import DefinitionError
from contracts.indices import BY_NAME
from infrastructure.store import Store
from kpis import compiler
from kpis.expressions import fields_of
from kpis.interpreter import counts, evaluate
from kpis.parser import parse_aggregate, parse_condition, parse_value
from tests.kpis.random_records import Records, put

FIELDS = fields_of(BY_NAME["cdr-voip"].fields)
NAMED = {"codes": (16, 17), "limit": 30, "half": 0.5}


def condition(text: str) -> Any:
    return parse_condition(text, FIELDS, NAMED, "file.yml: key")


def test_precedence_is_that_of_esql() -> None:
    node = condition('voip.pdd.ms > 1 + 2.0 * 3 OR NOT voip.disposition == "x" AND voip.release.q850 IN (1, -2)')
    assert compiler.value(node) == (
        '((voip.pdd.ms > (1 + (2.0 * 3))) OR ((NOT (voip.disposition == "x")) AND (voip.release.q850 IN (1, -2))))'
    )


def test_names_stand_for_sets_and_numbers() -> None:
    assert compiler.value(condition("voip.release.q850 IN ${codes}")) == "(voip.release.q850 IN (16, 17))"
    assert compiler.value(condition("voip.pdd.ms <= ${limit}")) == "(voip.pdd.ms <= 30)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("voip.pdd.sm > 1", "unknown field voip.pdd.sm (did you mean voip.pdd.ms?)"),
        ("voip.release.q850 IN ${code}", "unknown name ${code} (did you mean codes?)"),
        ("voip.release.q850 IN ${limit}", "${limit} is no set"),
        ("voip.pdd.ms > ${codes}", "is a set"),
        ('voip.pdd.ms > "1"', "double > text is no comparison"),
        ('voip.disposition < "x"', "text < text is no comparison"),
        ("voip.pdd.ms", "a condition expected, a double found"),
        ("voip.pdd.ms > 1 voip.pdd.ms", "unexpected voip.pdd.ms at column 17"),
        ("voip.pdd.ms > ", "a value expected, the end found"),
        ("voip.pdd.ms LIKE 1", "a condition expected, a double found"),
        ("voip.pdd.ms > 1 LIKE 1", "unexpected LIKE"),
        ("voip.pdd.ms > 1; DROP", "unexpected ';'"),
        ("voip.pdd.ms > 1 | LIMIT 1", "unexpected '|'"),
        ("TO_LONG(voip.pdd.ms) > 1", "unknown field TO_LONG"),
        ("voip.release.q850 + 1 > 1", "needs a long or double"),
        ("NOT voip.pdd.ms", "a condition expected"),
        ('voip.release.q850 IN (1, "a")', "IN a set with the text 'a'"),
        ("voip.answer > 5", "date > integer is no comparison"),
        ("cdr.flags == 5", "text == integer"),
        ("(" * 60 + "voip.pdd.ms > 1" + ")" * 60, "too many brackets"),
        ('voip.disposition == "a\\n"', "unexpected"),
        ("", "a value expected"),
    ],
)
def test_condition_outside_the_subset_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        condition(text)
    assert words in caught.value.what
    assert caught.value.where == "file.yml: key"


@pytest.mark.parametrize(
    "text", ["AVG(voip.pdd.ms)", "SUM(*)", "SUM(voip.disposition)", "COUNT(*) WHERE", "COUNT(*) + 1"]
)
def test_aggregate_outside_the_subset_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError):
        parse_aggregate(text, FIELDS, NAMED, "file.yml: key")


@given(st.text(alphabet='voip.release.q850 <>=!()"\\${}INORADT+-*/,1 ', max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        condition(text)
    except DefinitionError as error:
        assert error.where


def test_null_follows_three_valued_logic() -> None:
    document = {"voip": {"disposition": "answered"}}
    for text, expected in {
        "voip.pdd.ms > 1": None,
        "NOT voip.pdd.ms > 1": None,
        'voip.pdd.ms > 1 OR voip.disposition == "answered"': True,
        'voip.pdd.ms > 1 AND voip.disposition == "ringing"': False,
        "voip.pdd.ms > 1 AND voip.pdd.ms > 2": None,
        "voip.pdd.ms IS NULL": True,
        "voip.pdd.ms / 0 > 1 OR voip.pdd.ms IS NULL": True,
    }.items():
        assert evaluate(condition(text), document) is expected, text


def test_division_of_whole_numbers_is_whole() -> None:
    document = {"voip": {"calling": {"packets": {"lost": -7, "expected": 2}}}}
    value = parse_value("voip.calling.packets.lost / voip.calling.packets.expected", FIELDS, NAMED, "")
    assert evaluate(value, document) == -3


CONDITIONS = (
    'voip.disposition == "answered"',
    'NOT (voip.disposition == "answered" OR voip.release.q850 IN ${codes})',
    "voip.release.q850 IN (0, 31) AND (voip.release.sip == 0 OR voip.release.sip IS NULL)",
    "voip.calling.mos >= 1 AND NOT voip.called.mos >= 1",
    "voip.pdd.ms / 7 + 0.5 > voip.calling.jitter.ms * 2 - 1",
    "voip.calling.packets.lost * 100 / voip.calling.packets.expected > 1",
    "voip.calling.packets.lost / voip.calling.packets.expected == 0",
    '(voip.ingress.sbc != "lon") == true OR voip.egress.sbc IN ("a:b", "fra")',
    'voip.trunk_group.terminating == "a\\"b" OR voip.trunk_group.terminating == "c\\\\d"',
    "voip.pdd.ms - 999999999999999999.0 * 10.0 < -1 OR voip.release.sip >= 500",
)
VALUES = (
    "COUNT(voip.pdd.ms)",
    "SUM(voip.calling.packets.lost / 3)",
    "SUM(voip.pdd.ms)",
    "COUNT(*)",
    "SUM(voip.release.q850)",
)


def test_expressions_mean_the_same_in_esql_and_python(store: Store) -> None:
    start = datetime(2026, 11, 2, tzinfo=UTC)
    documents = Records(31, start, 1, start).many("voip", 700)
    put(store, "voip", documents)
    store.refresh("cdr-voip")
    aggregates = [
        parse_aggregate(f"{value} WHERE {text}", FIELDS, NAMED, "") for text in CONDITIONS for value in VALUES
    ]
    columns = ", ".join(f"a{number} = {compiler.aggregate(node)}" for number, node in enumerate(aggregates))
    (row,) = store.esql(f"FROM cdr-voip | STATS {columns}").rows
    for node, found in zip(aggregates, row, strict=True):
        expected = sum(counts(node, document) for document in documents)
        assert (found or 0) == pytest.approx(expected, rel=1e-9), compiler.aggregate(node)
    assert sum(bool(value) for value in row) > len(row) / 2
