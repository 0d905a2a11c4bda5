"""Reasons read as a night shift would say them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from contracts.entities import Entity
from detectors.wording import broken_target, deviation, entity_words, hour_words, number, silence
from tests.detectors.simulator import KPIS, at

TG6 = Entity("trunk_group", "TG6")


def test_deviation_says_actual_normal_when_and_samples() -> None:
    text = deviation(KPIS["voip.asr"], TG6, 0.71, 0.93, 0.987, 212, "Fri 10:00")
    assert text == "ASR of trunk group TG6 is 0.71; between 0.93 and 0.987 is normal for Fri 10:00 (212 calls)"


def test_deviation_of_a_count_leaves_out_samples() -> None:
    text = deviation(KPIS["voip.attempts"], TG6, 12, 101, 167, 12, "Fri 10:00")
    assert text == "CALLS of trunk group TG6 is 12 calls; between 101 and 167 calls is normal for Fri 10:00"


def test_broken_target_says_since_when_and_what_is_usual() -> None:
    text = broken_target(KPIS["voip.ner"], TG6, 0.9, 212, "Fri 20 Nov 10:00", 0.97)
    assert text == (
        "NER of trunk group TG6 is below the target of 0.990 since Fri 20 Nov 10:00: 0.90 at its worst (212 calls); "
        "0.97 is usual here"
    )


def test_silence_says_what_should_have_come() -> None:
    text = silence(KPIS["voip.attempts"], Entity("service", "voip"), 1857.2, "Fri 20 Nov 10:00")
    assert text == "No data of service voip since Fri 20 Nov 10:00; about 1,857 calls should have come"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.7123, "ratio", "0.71"), (0.9871, "ratio", "0.987"), (1.0, "ratio", "1.00"), (0.0, "ratio", "0.00"),
        (0.00123, "ratio", "0.0012"), (2140.4, "ms", "2,140 ms"), (4.123, "MOS", "4.12"), (1.234e9, "bytes", "1.23 GB"),
        (12.0, "calls", "12 calls"), (3.456, "E", "3.46 E"),
    ],
)  # fmt: skip
def test_number_has_as_many_digits_as_matter(value: float, unit: str, text: str) -> None:
    assert number(value, unit) == text


def test_hours_are_told_in_the_entitys_own_zone() -> None:
    moment = int(at(4, 23).timestamp() * 1000)
    assert hour_words(moment, ZoneInfo("UTC"), 3600) == "Fri 23:00"
    assert hour_words(moment, ZoneInfo("Europe/Berlin"), 3600) == "Sat 01:00"
    assert hour_words(moment, ZoneInfo("Europe/Berlin"), 86400) == "Sat"


def test_entity_words_know_every_type() -> None:
    assert entity_words(Entity("sbc", "lon")) == "SBC lon"
    assert entity_words(Entity("cell_site", "7")) == "cell site 7"
