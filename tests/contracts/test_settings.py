"""One table of settings: everything typed, bounded, and refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import SettingError
from contracts.settings import TABLE, Setting, Settings, read


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_setting_reads_its_own_default_and_says_what_it_means(row: Setting) -> None:
    assert row.meaning
    assert read({row.variable: str(row.default)})[row.name] == row.default
    assert read({}, {row.name: row.default})[row.name] == row.default


def test_settings_names_and_variables_are_unique() -> None:
    assert len({row.name for row in TABLE}) == len({row.variable for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("row", [row for row in TABLE if row.low is not None], ids=lambda row: row.name)
def test_setting_refuses_what_is_out_of_bounds(row: Setting) -> None:
    assert row.low is not None
    assert row.high is not None
    for value in (row.low - 1, row.high + 1):
        with pytest.raises(SettingError, match="is outside"):
            read({row.variable: str(int(value))})


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("BUSYHOUR_ES_WAIT_SECS", "1", "did you mean BUSYHOUR_ES_WAIT_SEC"),
        ("BUSYHOUR_ES_WAIT_SEC", "1.5", "'1.5' is not a whole number"),
        ("BUSYHOUR_ES_WAIT_SEC", "٣x", "is not a whole number"),
        ("BUSYHOUR_KPI_NER_USER_NUMBERS", "maybe", "'maybe' is neither true nor false"),
        ("BUSYHOUR_PARTITION_PERIOD", "Month", "'Month' is not one of"),
        ("BUSYHOUR_NETWORK_TIMEZONE", "../../etc/passwd", "unknown time zone"),
    ],
)
def test_read_names_variable_and_value_when_refused(variable: str, value: str, words: str) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        read({variable: value})
    assert variable in str(caught.value)


def test_read_ignores_other_peoples_variables_and_empty_ones() -> None:
    assert read({"PATH": "/bin", "ES_URL": "", "BUSYHOUR_HOME": ""}) == read({})


def test_environment_wins_over_the_file() -> None:
    assert read({"ES_URL": "http://env:9200"}, {"es.url": "http://file:9200"}).text("es.url") == "http://env:9200"


def test_with_values_copies_and_refuses_unknown_names() -> None:
    first = read({})
    second = first.with_values(es_url="http://a:1", ingest_chunk_lines=7)
    assert (second.text("es.url"), second.number("ingest.chunk.lines"), first.text("es.url")) == ("http://a:1", 7, "")
    with pytest.raises(SettingError, match=r"did you mean es\.url"):
        first.with_values(es_ulr="x")


@given(st.dictionaries(st.sampled_from([row.variable for row in TABLE]), st.text(max_size=20)))
def test_read_gives_settings_or_a_setting_error_whatever_it_meets(environment: dict[str, str]) -> None:
    try:
        settings = read(environment)
    except SettingError:
        return
    assert isinstance(settings, Settings)
    assert set(settings) == {row.name for row in TABLE}
