"""Every message in every language, with the same places to fill in."""

from __future__ import annotations

import re

import pytest

from console.catalogue import messages
from console.i18n import LANGUAGES, SOURCE, Words, catalogue_of, language_of, region_of, zone_of
from console.services import ROOT
from dashboards import load

PLACE = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != SOURCE])
def test_catalogue_has_every_message_and_no_other(language: str) -> None:
    catalogue = catalogue_of(language)
    said = {message.id: message for message in catalogue if message.id}
    assert set(said) == messages(load(ROOT))
    for key, message in said.items():
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        wanted = set(PLACE.findall(key[1] if isinstance(key, tuple) else key))
        assert all(text and set(PLACE.findall(text)) == wanted for text in texts), key
        assert not message.fuzzy


@pytest.mark.parametrize(
    ("chosen", "accepted", "expected"),
    [("de", "fr", "de"), ("", "fr-CA,fr;q=0.9", "fr"), ("", "pt", "en"), ("xx", "", "en"), ("", ";;,,;q=", "en")],
)
def test_language_is_the_persons_then_the_browsers(chosen: str, accepted: str, expected: str) -> None:
    assert language_of(chosen, accepted) == expected


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("en-GB,en;q=0.9", "en_GB"), ("de-AT,en-IE", "en_IE"), ("en", ""), ("en-QQ,en_,en-\u00e9", "")],
)
def test_formats_are_those_of_the_browsers_region(accepted: str, expected: str) -> None:
    assert region_of("en", accepted) == expected


def test_numbers_and_times_follow_language_and_zone() -> None:
    words = Words("de", zone_of("Europe/Berlin"))
    assert words.number(1234567.891) == "1.234.567,89"
    assert words.time("2026-07-01T22:30:00.000Z") == "02.07.26, 00:30"
    assert Words("fr", zone_of("nowhere")).zone_name() == "UTC"
    assert words.cell(None) == "–"
    assert words.cell(["a", 1.5]) == "a, 1,5"
