"""What the columns of a sample are taken to be."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.learn.columns import GONE, Names, Number, Words, hinted, is_counter, variable
from datagen.learn.rowtext import joined, made_up, name_lanes, number_piece, number_text, table


@settings(deadline=None)
@given(
    values=st.lists(st.one_of(st.none(), st.integers(-(10**9), 10**9)), min_size=2, max_size=60),
    places=st.integers(0, 4),
    gap=st.sampled_from([1, 5, 250]),
)
def test_learn_columns_write_every_number_as_the_sample_has_it(values: list[int | None], places: int, gap: int) -> None:
    cells = ["" if value is None else _written(value * gap, places) for value in values]
    made = variable("x", cells, hint="measure")
    if isinstance(made.kind, Number):
        assert [number_text(made.kind, code) for code in made.codes.tolist()] == cells
        fast = number_piece(made.kind, "\n")(made.codes)
        assert joined(fast).decode().splitlines() == cells
        known = {value * gap for value in values if value is not None}
        assert all((each - min(known)) % made.kind.step == 0 for each in known)


def _written(value: int, places: int) -> str:
    whole, part = divmod(abs(value), 10**places)
    return f"{'-' if value < 0 else ''}{whole}" + (f".{part:0{places}d}" if places else "")


@settings(deadline=None)  # the first one makes tables of a million texts
@given(
    top=st.integers(1 << 17, 10**12),
    codes=st.lists(st.integers(-1, 10**12), min_size=1, max_size=50),
    places=st.integers(0, 6),
    trimmed=st.booleans(),
)
def test_learn_columns_write_long_numbers_as_single_ones(
    top: int, codes: list[int], places: int, trimmed: bool
) -> None:
    kind = Number(7, 3, places, min(1, places) if trimmed else places, top, "", ())
    held = np.array([min(code, top) for code in codes], np.int64)
    fast = number_piece(kind, ",")(held)
    assert joined(fast).decode() == "".join(f"{number_text(kind, code)}," for code in held.tolist())


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["16", "31", "17", "16", "31", "17", "16", "16", "16", "31", "31", "17", "16", "16", "31"], Words),
        ([str(value) for value in range(100, 160)], Number),
        ([f"{value / 8:.3f}" for value in range(40)], Number),
        (["1.5", "NULL", "2.5", "3.0", "NULL", "7.5"], Number),
        (["1.5", "x", "2.5"], Words),
        (["+447700900001", "+447700900002", "+447700900003"], Names),
        (["068373748102", "068373748103", "068373748102"], Names),
        (["Lon-Site", "Lon-Site", "Mia-Site"], Words),
        (["", "", ""], Words),
        (["5", "5", "5"], Words),
    ],
)
def test_learn_columns_tell_words_numbers_and_identifiers_apart(cells: list[str], kind: type) -> None:
    assert isinstance(variable("x", cells).kind, kind)


def test_learn_columns_believe_the_layout() -> None:
    cells = [str(value) for value in range(16, 80)]
    assert isinstance(variable("x", cells, hint=hinted("voip.release.q850", "integer")).kind, Words)
    assert isinstance(variable("x", cells, hint=hinted("voip.pdd.ms", "decimal")).kind, Number)
    assert isinstance(variable("x", ["7", "7", "9"], personal=True).kind, Names)


def test_learn_columns_find_the_spikes_and_zero() -> None:
    kind = variable("x", ["0", *["440"] * 30, *map(str, range(300, 360))], hint="measure").kind
    assert isinstance(kind, Number) and kind.spikes == (0, 440)


def test_learn_columns_see_a_running_number() -> None:
    assert is_counter([*map(str, range(100, 150)), *map(str, range(700, 750))])
    assert not is_counter(["5", "5", "6"]) and not is_counter(["3", "1", "2"]) and not is_counter(["a", "b"])


_NUMBERS = st.text("0123456789", min_size=7, max_size=12)


@settings(max_examples=60)
@given(
    texts=st.lists(st.builds(str.__add__, st.sampled_from(["", "+", "+44"]), _NUMBERS), min_size=1, max_size=40),
    personal=st.booleans(),
)
def test_learn_columns_never_give_an_identifier_of_the_sample_again(texts: list[str], personal: bool) -> None:
    made = variable("x", texts, personal=True)
    assert isinstance(made.kind, Names)
    new = {row.tobytes().rstrip(b"\0").decode() for row in made_up(made.kind, np.random.default_rng(1), 300)}
    assert not new & set(texts)
    assert all(re.fullmatch(r"\+?[0-9]+", text) for text in new)


def test_learn_columns_never_give_one_of_few_possible_identifiers_again() -> None:
    texts = [f"user{number:02d}" for number in range(100)]  # every one that the form allows
    kind = variable("x", texts, personal=True).kind
    assert isinstance(kind, Names)
    new = [row.tobytes().rstrip(b"\0").decode() for row in made_up(kind, np.random.default_rng(1), 500)]
    assert not set(new) & set(texts) and len(set(new)) > 400


def test_learn_columns_repeat_parties_as_often_as_the_sample_does() -> None:
    cells = ["+447700900001"] * 50 + [f"+4477009{number:05d}" for number in range(1000, 1050)] + [""]
    made = variable("x", cells, personal=True)
    assert isinstance(made.kind, Names)
    assert made.kind.known == 1 and (made.codes == 0).sum() == 50 and made.codes[-1] == GONE
    lanes = name_lanes(made.kind, made.codes, ["PARTY"], np.random.default_rng(1))
    texts = joined([*lanes, table(["\n"])[:, 0].repeat(made.codes.size)]).decode().splitlines()
    assert texts.count("PARTY") == 50 and texts[-1] == "" and len(set(texts)) == 52
