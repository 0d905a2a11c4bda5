"""Laws of records drawn from a learned model, on generated samples and on hard ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import LayoutError, UserError
from datagen.learn import LearnedModel, fit, learn
from datagen.learn.sample import Sample
from tests.datagen.learn_samples import HEADER, calls, rows_of

Cells = dict[str, list[str]]


def _rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LearnedModel:
    return learn([calls(tmp_path_factory.mktemp("learn") / "calls.csv")])


@pytest.fixture(scope="module")
def drawn(model: LearnedModel) -> list[list[str]]:
    return rows_of(model.lines(_rng(), 20_000))


@st.composite
def samples(draw: st.DrawFn) -> Cells:
    """Columns of words, of whole numbers and of decimals, any of them with gaps; a number is there only with its word."""
    rows = draw(st.integers(2, 40))
    words = draw(st.lists(st.sampled_from(["a", "b", "c", 'd"e', "f,g"]), min_size=rows, max_size=rows))
    whole = draw(st.lists(st.one_of(st.just(""), st.integers(0, 3000).map(str)), min_size=rows, max_size=rows))
    part = draw(st.lists(st.integers(-500, 500).map(lambda v: f"{v / 100:.2f}"), min_size=rows, max_size=rows))
    part = [text if word != "a" else "" for text, word in zip(part, words, strict=True)]
    return {"word": words, "whole": whole, "part": part, "same": ["x"] * rows}


@settings(max_examples=12, deadline=None)
@given(cells=samples())
def test_learn_model_keeps_to_the_support_the_lattice_and_what_goes_together(cells: Cells) -> None:
    learned = fit(Sample(cells, {}, None, ",", (",".join(cells),)))
    rows = rows_of(learned.lines(_rng(), 500))
    for place, (name, texts) in enumerate(cells.items()):
        if name in ("word", "same"):
            assert {row[place] for row in rows} <= set(texts)
            continue
        numbers = [float(text) for text in texts if text]
        places = {len(text.partition(".")[2]) for text in texts if text}
        for text in {row[place] for row in rows} - set(texts):
            assert min(numbers) <= float(text) <= max(numbers)
            assert len(text.partition(".")[2]) in places
    gaps = {(word, whole == "", part == "") for word, whole, part, _ in zip(*cells.values(), strict=True)}
    assert {(row[0], row[2] == "") for row in rows} <= {(word, part) for word, _, part in gaps}
    assert {(row[1] == "", row[2] == "") for row in rows} <= {(whole, part) for _, whole, part in gaps}


def test_learn_model_never_makes_an_impossible_record(drawn: list[list[str]]) -> None:
    seen = set()
    for _, result, cause, _, jitter, peak, score, note in drawn:
        assert (result == "failed") == (jitter == "") == (peak == "") == (score == "")
        assert (result == "answered") == (cause == "16")
        assert note == "a, b"
        if jitter:
            assert (float(jitter) == 0) == (float(peak) == 0)
            assert float(jitter) <= float(peak)
            assert float(jitter) * 2 == int(float(jitter) * 2)
        seen.add((result, cause))
    assert seen == {("answered", "16"), ("failed", "17"), ("failed", "31")}


def test_learn_model_keeps_how_numbers_hang_together(drawn: list[list[str]], tmp_path: Path) -> None:
    real = rows_of(calls(tmp_path / "again.csv").read_bytes())[1:]

    def figures(rows: list[list[str]]) -> tuple[float, float]:
        pairs = np.array([(float(row[4]), float(row[6])) for row in rows if row[4]])
        north = np.median([float(row[3]) for row in rows if row[0] == "north"])
        return float(np.corrcoef(pairs.T)[0, 1]), float(north / np.median([float(row[3]) for row in rows]))

    ours, theirs = figures(drawn), figures(real)
    assert ours[0] == pytest.approx(theirs[0], abs=0.05) and theirs[0] < -0.9
    assert ours[1] == pytest.approx(theirs[1], rel=0.1) and theirs[1] < 0.7


def test_learn_model_invents_and_does_not_copy(drawn: list[list[str]], tmp_path: Path) -> None:
    real = {tuple(row) for row in rows_of(calls(tmp_path / "again.csv").read_bytes())[1:]}
    answered = [tuple(row) for row in drawn if row[1] == "answered"]
    assert np.mean([row in real for row in answered]) <= 0.01
    assert len(set(answered)) > 5 * len(real)


def test_learn_model_gives_the_same_bytes_for_the_same_seed(model: LearnedModel, tmp_path: Path) -> None:
    again = learn([calls(tmp_path / "calls.csv")])
    assert again.lines(_rng(3), 3000) == model.lines(_rng(3), 3000)
    assert model.lines(_rng(4), 3000) != model.lines(_rng(3), 3000)
    assert learn([tmp_path / "calls.csv"], seed=2).lines(_rng(3), 3000) != model.lines(_rng(3), 3000)


def test_learn_model_draws_the_columns_of_a_table(model: LearnedModel) -> None:
    table = model.draw(_rng(), 50)
    assert list(table) == HEADER.split(",")
    plain = {name: column.plain() for name, column in table.items()}
    assert set(plain["Result"]) == {"answered", "failed"}
    assert all(
        (jitter is None) == (result == "failed")
        for jitter, result in zip(plain["Jitter"], plain["Result"], strict=True)
    )


def test_learn_model_writes_the_columns_that_are_asked_for(model: LearnedModel) -> None:
    assert {len(row) for row in rows_of(model.lines(_rng(), 100, columns=["Delay", "Region"]))} == {2}
    with pytest.raises(UserError, match=r"Dellay.*did you mean Delay"):
        model.lines(_rng(), 1, columns=["Dellay"])


def test_learn_model_follows_the_hour_of_the_week(tmp_path: Path) -> None:
    lines = ["When,Kind"]
    for hour in range(24 * 21):
        day, part = divmod(hour, 24)
        lines += [
            f"2026-11-{day + 2:02d} {part:02d}:{minute:02d}:00,{'day' if 8 <= part < 20 else 'night'}"
            for minute in (5, 35)
        ]
    (tmp_path / "kinds.csv").write_text("\n".join(lines), "utf-8")
    learned = learn([tmp_path / "kinds.csv"])
    assert learned.week[24 + 12] == pytest.approx(1, rel=0.2)
    noon, midnight = (learned.draw(_rng(), 2000, np.full(2000, hour))["Kind"].plain() for hour in (36, 24))
    assert noon.count("day") > 1700 and midnight.count("night") > 1700


# What cannot be learned


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n", "0 records.*fewer than 2"),
        ("a,b\n1,2\n", "1 records.*fewer than 2"),
        ("a,b\n1\n2,3,4\n", "2 lines are no records"),
        ("a,a\n1,2\n3,4\n", "two columns 'a'"),
        ("n\n1\n2\n3\n", "no column that can be learned"),
        ("a\0b\n1\n", "binary"),
    ],
)
def test_learn_model_refuses_a_sample_with_nothing_in_it(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(content, "utf-8")
    with pytest.raises(UserError, match=said) as refused:
        learn([tmp_path / "bad.csv"])
    assert "bad.csv" in refused.value.sentence() and refused.value.remedy


def test_learn_model_refuses_samples_of_two_layouts(tmp_path: Path) -> None:
    root = Path(__file__).parents[2] / "sample_data"
    with pytest.raises(LayoutError, match="not of the same layout"):
        learn([root / "voip-public.csv", root / "sms-busyhour.csv"])
    with pytest.raises(LayoutError, match="json"):
        learn([root / "voip-ndjson.ndjson"])
    with pytest.raises(LayoutError, match="no layout voip-pubic"):
        learn([root / "voip-public.csv"], "voip-pubic")
    with pytest.raises(UserError, match=r"gone\.csv"):
        learn([tmp_path / "gone.csv"])


@pytest.mark.parametrize("rows", [2, 3, 5])
def test_learn_model_takes_very_short_samples(rows: int, tmp_path: Path) -> None:
    learned = learn([calls(tmp_path / "few.csv", rows)])
    assert len(rows_of(learned.lines(_rng(), 50))) == 50


def test_learn_model_keeps_a_column_that_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "dull.csv").write_text(
        "a,empty,same\n" + "".join(f"{value},,7\n" for value in range(5, 90, 3)), "utf-8"
    )
    rows = rows_of(learn([tmp_path / "dull.csv"]).lines(_rng(), 200))
    assert {tuple(row[1:]) for row in rows} == {("", "7")}
    assert {int(row[0]) % 3 for row in rows} == {2}


@pytest.mark.parametrize(
    "name",
    ["asterisk-cdr", "cucm-cdr", "cucm-cmr", "epc-busyhour", "freeswitch-csv", "kamailio-acc", "mobile-public",
     "mobile-public-semicolon", "sms-busyhour", "voip-busyhour", "voip-public", "voip-public-undated"],
)  # fmt: skip
def test_learn_model_writes_records_that_its_layout_reads(name: str) -> None:
    from contracts.outcomes import Reject
    from mediation.compile import compile_layout
    from mediation.load import load_layouts

    layout = load_layouts()[name]
    learned = learn([Path(__file__).parents[2] / "sample_data" / f"{name}.csv"])
    judge = compile_layout(layout, b"key").mediate
    outcomes = [judge(line) for line in learned.lines(_rng(), 500).decode().splitlines()]
    refused = [each for each in outcomes if isinstance(each, Reject) and layout.paced is None]
    assert not refused, refused[:3]
