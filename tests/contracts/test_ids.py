"""Ids: the same thing, the same id; other things, other ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import ID_LENGTH, concatenated, digest, joined

VALUES = st.text(st.characters(exclude_characters="\x1f"), max_size=10)


def test_digest_is_the_start_of_sha256() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223"


@given(st.text(st.characters(), max_size=30))
def test_digest_is_hex_of_fixed_length_whatever_the_text(text: str) -> None:
    assert len(digest(text)) == ID_LENGTH
    assert digest(text).isalnum()


def test_digest_takes_a_broken_character() -> None:
    assert len(digest("\ud800")) == ID_LENGTH


def test_concatenated_sorts_names_and_leaves_absent_values_empty() -> None:
    assert concatenated({"b": "2", "a": None, "[cdr][layout]": "voip"}) == "|[cdr][layout]|voip|a||b|2|"
    assert concatenated({}) == "|"


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5)))
def test_concatenated_does_not_depend_on_order(values: dict[str, str]) -> None:
    assert concatenated(values) == concatenated(dict(reversed(values.items())))


@given(st.lists(VALUES, min_size=1, max_size=5), st.lists(VALUES, min_size=1, max_size=5))
def test_joined_differs_when_the_parts_differ(one: list[str], other: list[str]) -> None:
    assert (joined(one) == joined(other)) == (one == other)
