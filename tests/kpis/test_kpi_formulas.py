"""Formulas over other KPIs: what they mean, what is refused, and the order in which they are worked out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import DefinitionError
from kpis.formulas import Missing, NotMeasurable, evaluate, in_order, parse
from kpis.formulas.language import DEEPEST, LONGEST, Input

NAMES = ("a.x", "b.y", "c.z")
numbers = st.integers(-50, 50)


def _texts() -> st.SearchStrategy[str]:
    leaves = st.one_of(st.sampled_from(NAMES), st.integers(0, 9).map(str))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
            inner.map(lambda text: f"-{text}"),
            st.tuples(inner, inner).map(lambda parts: f"max({parts[0]}, {parts[1]})"),
            st.tuples(inner, inner).map(lambda parts: f"min({parts[0]},{parts[1]})"),
        ),
        max_leaves=10,
    )


@given(_texts(), st.tuples(numbers, numbers, numbers))
def test_formula_means_what_it_means_in_python(text: str, values: tuple[int, int, int]) -> None:
    if len(text) > LONGEST:
        return
    formula = parse(text, "test")
    inputs: dict[Input, float | None] = {each: float(values[NAMES.index(each.kpi)]) for each in formula.inputs}
    python = text
    for name, value in zip(NAMES, values, strict=True):
        python = python.replace(name, f"(float({value}))")
    try:
        expected = float(eval(python, {"__builtins__": {}, "float": float, "max": max, "min": min}))  # noqa: S307
    except ZeroDivisionError:
        with pytest.raises(NotMeasurable):
            evaluate(formula, inputs, 60)
        return
    assert evaluate(formula, inputs, 60) == pytest.approx(expected)


@given(st.text(max_size=60))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    try:
        formula = parse(text, "test")
    except DefinitionError as error:
        assert "test" in str(error)
    else:
        assert (
            set(formula.kpis) <= set(text.replace("(", " ").replace(")", " ").replace(",", " ").split()) or formula.kpis
        )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 +", "the end found"),
        ("voip.ner voip.asr", "the end expected"),
        ("__import__('os').system('x')", "unexpected"),
        ("open(voip.ner)", "unknown function"),
        ("busiest(1)", "busiest takes"),
        ("busiest(voip.ner + 1)", ") expected"),
        ("(" * 45 + "1" + ")" * 45, "too many brackets"),
        ("-" * (DEEPEST + 5) + "1", "too many brackets"),
        ("1+" * LONGEST + "1", "more than 500"),
        ("1e999", "too large"),
        ("voip.ner; DROP TABLE x", "unexpected ';'"),
        ("", "the end found"),
    ],
)
def test_what_is_no_formula_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(DefinitionError, match=r"source\.formula") as refused:
        parse(text, "source.formula")
    assert says in str(refused.value)


def test_division_by_zero_and_overflow_are_not_measurable_and_a_missing_input_is_missing() -> None:
    ratio = parse("a.x / b.y", "test")
    x, y = Input("a.x"), Input("b.y")
    with pytest.raises(NotMeasurable):
        evaluate(ratio, {x: 1.0, y: 0.0}, 60)
    with pytest.raises(NotMeasurable):
        evaluate(parse("a.x * a.x", "test"), {x: 1e300}, 60)
    with pytest.raises(Missing):
        evaluate(ratio, {x: 1.0, y: None}, 60)
    with pytest.raises(Missing):
        evaluate(ratio, {x: 1.0, y: math.nan}, 60)
    assert evaluate(parse("a.x / seconds", "test"), {x: 7200.0}, 3600) == 2.0


def test_busiest_makes_a_formula_daily() -> None:
    formula = parse("busiest(a.x) / a.x", "test")
    assert formula.daily and formula.kpis == ("a.x",) and len(formula.inputs) == 2
    assert not parse("a.x", "test").daily


def test_order_puts_every_formula_after_its_inputs() -> None:
    order = in_order({"d": ("c", "b"), "c": ("a", "raw"), "b": ("c",), "a": ("raw",)})
    assert sorted(order) == ["a", "b", "c", "d"]
    assert order.index("a") < order.index("c") < order.index("b") < order.index("d")


@pytest.mark.parametrize(
    ("needs", "circle"),
    [
        ({"a": ("a",)}, "a → a"),
        ({"a": ("b",), "b": ("c",), "c": ("a",)}, "a → b → c → a"),
        ({"x": ("a",), "a": ("b",), "b": ("a",)}, "a → b → a"),
    ],
)
def test_a_circle_is_refused_and_named(needs: dict[str, tuple[str, ...]], circle: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        in_order(needs)
    assert circle in str(refused.value)


@given(st.integers(2, 400))
def test_a_long_chain_is_no_recursion(length: int) -> None:
    needs = {f"k{number}": (f"k{number + 1}",) for number in range(length)}
    assert in_order(needs) == [f"k{number}" for number in reversed(range(length))]
