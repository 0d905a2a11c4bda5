"""Sentences that documents and errors have in English are known again, and said in the viewer's language and zone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alerting.template import render
from console.glossary import rows
from console.i18n import LANGUAGES, PARTS, SOURCE, Words, book_of, part_of_catalogue, terms, zone_of
from console.phrases import ERRORS, SENTENCES, sources
from console.phrases.book import Book
from console.phrases.shapes import SHAPES
from contracts.clock import epoch_ms
from contracts.entities import Entity
from detectors.wording import (
    also_at,
    broken_target,
    deviation,
    hour_words,
    joint_title,
    novelty,
    number,
    shifted,
    silence,
    silent_title,
    since_words,
    span_words,
    title,
    together,
)
from tests.detectors.simulator import KPIS

LONDON, TOKYO = ZoneInfo("Europe/London"), ZoneInfo("Asia/Tokyo")
AT = datetime(2026, 7, 31, 22, 30, tzinfo=UTC)  # a Friday, 23:30 in London
TG6, SERVICE = Entity("trunk_group", "TG6"), Entity("service", "voip")
ASR, NER, CALLS = KPIS["voip.asr"], KPIS["voip.ner"], KPIS["voip.attempts"]
PDD = replace(ASR, alias="PDD", unit="ms", model="continuous", noun="calls")
OTHERS = [language for language in LANGUAGES if language != SOURCE]


def reasons(zone: ZoneInfo = LONDON) -> Iterator[str]:
    """One of each sentence that the detectors write."""
    start = epoch_ms(AT)
    hour, since = hour_words(start, zone, 3600), since_words(start, zone)
    yield deviation(ASR, TG6, 0.71, 0.93, 0.987, 212, hour)
    yield deviation(ASR, TG6, 0.71, 0.93, 0.93, 212, span_words(start, start + 3_600_000, zone, 300))
    yield deviation(CALLS, TG6, 12, 101, 1167, 12, hour_words(start, zone, 86400))
    yield deviation(PDD, TG6, 2140.4, 900, 900, float("nan"), hour)
    yield broken_target(NER, TG6, 0.9, 212, since, 0.97)
    yield broken_target(NER, TG6, 0.9, 1, since, None)
    yield silence(CALLS, SERVICE, 1857.2, since)
    yield novelty(CALLS, Entity("release_cause", "no_circuit"), 41, 0.0, since)
    yield novelty(CALLS, Entity("release_cause", "no_circuit"), 41, 2.5, since)
    for count in (2, 3):
        parts = [(ASR, 0.66, 0.71), (PDD, 1920.0, 1700.0), (NER, 0.9, 0.97)][:count]
        yield together(TG6, parts, start, start + 3_600_000, zone)
    for high in (False, True):
        yield shifted(ASR, TG6, 0.66, 0.71, start, high, zone)
    reason = deviation(ASR, TG6, 0.71, 0.93, 0.987, 212, hour)
    yield also_at(reason, [SERVICE, Entity("sbc", "lon-sbc")])
    yield also_at(reason, [Entity("sbc", f"s{each}") for each in range(7)])
    yield silent_title(SERVICE)
    yield joint_title("ASR + PDD", TG6)
    for sides in (
        [("NER", "low")],
        [("PDD", "high")],
        [("NER, ASR", "low"), ("PDD", "high")],
        [("PDD", "high"), ("NER", "low")],
    ):
        yield title(sides, TG6)


@pytest.mark.parametrize("part", PARTS[1:])
@pytest.mark.parametrize("language", OTHERS)
def test_catalogues_have_what_the_source_says_and_nothing_stale(language: str, part: str) -> None:
    wanted = {SENTENCES: sources.sentences, ERRORS: sources.errors}.get(part)
    found = {message.id for message in part_of_catalogue(language, part) if message.id and not message.context}
    if wanted is not None:
        assert found == wanted()
    if part == "glossary":
        assert found == {meaning for _, meaning in rows()}


@pytest.mark.parametrize("language", OTHERS)
def test_glossary_has_every_term_in_the_language(language: str) -> None:
    found = terms(language)
    assert set(found) == {term for term, _ in rows()}
    assert len(found) > 150
    assert all(found.values())
    same = [term for term, said in found.items() if term == said]
    assert len(same) < len(found) / 2  # abbreviations, and words that both have


@pytest.mark.parametrize("language", OTHERS)
def test_every_reason_is_said_in_the_language(language: str) -> None:
    words = Words(language, LONDON, "", LONDON)
    for text in reasons():
        said = words.told(text, AT)
        assert said != text
        fixed = re.findall(r"[a-z]{4,}", re.sub(r"TG6|voip|lon-sbc|no_circuit", "", text))
        left = set(fixed) & set(re.findall(r"[a-z]{4,}", said)) - {"service", "normal", "cause"}
        assert not left, f"{text} → {said}"


@pytest.mark.parametrize("text", list(reasons()), ids=lambda text: text[:30])
def test_english_says_what_is_stored_where_the_viewer_is_where_the_network_is(text: str) -> None:
    said = Words("en", LONDON, "", LONDON).told(text, AT)
    assert said == text.replace("Fri 31 Jul", "Fri, Jul 31")


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "ASR von Leitungsgruppe TG6 ist 0,71; normal ist für Sa., 07:30 zwischen 0,93 und 0,987 (212 Anrufe)"),
        ("fr", "ASR de faisceau TG6 est 0,71 ; entre 0,93 et 0,987 est normal pour sam. 07:30 (212 appels)"),
        ("en", "ASR of trunk group TG6 is 0.71; between 0.93 and 0.987 is normal for Sat 07:30 (212 calls)"),
    ],
)
def test_hour_of_a_reason_is_told_in_the_viewers_zone(language: str, expected: str) -> None:
    assert Words(language, TOKYO, "", LONDON).told(next(reasons()), AT) == expected


def test_sentence_of_a_document_without_a_time_is_told_about_now() -> None:
    words = Words("de", LONDON, "", LONDON)
    assert words.told("it is over", "") == words.told("it is over", None) == "es ist vorbei"
    assert words.told(next(reasons()), "").startswith("ASR von Leitungsgruppe TG6 ist 0,71")


def test_quantities_keep_their_digits_and_get_the_viewers_marks() -> None:
    words = Words("de", LONDON, "", LONDON)
    assert words.told(deviation(PDD, TG6, 2140.4, 900, 1000.5, float("nan"), "Fri"), AT) == (
        "PDD von Leitungsgruppe TG6 ist 2.140 ms; normal ist für Fr. zwischen 900 ms und 1.000 ms"
    )
    assert words.told("VOL of APN internet is 1.23 GB; about 0 bytes is normal for Fri", AT) == (
        "VOL von APN internet ist 1,23 GB; normal ist für Fr. etwa 0 Byte"
    )


@given(st.data())
def test_what_is_made_from_a_message_is_known_again(data: st.DataObject) -> None:
    """Whatever stands in the places: message and parts give the text back."""
    book = book_of(SENTENCES)
    message = data.draw(st.sampled_from(sorted(sources.sentences())))
    names = re.findall(r"%\((\w+)\)s", message)
    parts = {
        name: data.draw(st.from_regex(SHAPES[name], fullmatch=True) if name in SHAPES else st.text(max_size=20))
        for name in names
    }
    text = message % parts
    found = book.find(text)
    if (
        found is not None
    ):  # a part may hold what stands between two places; then another message may fit better, or none
        assert found[0] % found[1] == text
    plain = {name: part for name, part in parts.items() if name not in SHAPES}
    if not any(re.search(r"[ .,;:()\n%]", part) for part in plain.values()) and all(plain.values()):
        assert found is not None


@pytest.mark.parametrize(
    "text",
    [
        "This is wrong, really bad",
        "Phone of Ana is broken; about 3 is normal for Fridays",
        "NER low at the office",
        "<script>alert('x')</script> of trunk group",
        "",
        " of ; is normal for (",
        "Fri 10:00",
    ],
)
def test_peoples_words_stay_as_they_are(text: str) -> None:
    for language in LANGUAGES:
        assert Words(language, TOKYO, "", LONDON).told(text, AT) == text


def test_hostile_text_takes_no_longer_than_it_is_long() -> None:
    book = Book(sources.sentences(), shaped=True)
    text = " of  is ; between  and  is normal for  ()" * 90
    began = time.process_time()
    for _ in range(20):
        assert book.find(text) is None
    assert time.process_time() - began < 1.0
    assert book.find("x" * 100_000) is None


def test_shipped_watches_are_known_again_when_they_are_rendered() -> None:
    book, seen = book_of(SENTENCES), 0
    for path in sorted(sources.WATCHES.glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        alert = content["metadata"]["alert"]
        texts = [alert["summary"], alert.get("reason", ""), content["metadata"]["purpose"]]
        texts += [
            action["ticket"][name]
            for action in content["actions"].values()
            if "ticket" in action
            for name in ("title", "body")
        ]
        for line in (line for text in texts for line in str(text).splitlines()):
            filled = re.sub(r"\{\{.*?\}\}", "7", line).strip()
            if re.search(r"[^\W\d_]{3}", filled):
                assert book.find(filled) is not None, f"{path.name}: {filled}"
                seen += 1
    assert seen > 50
    assert render("{{ctx.x}}", {"ctx": {"x": 7}}) == "7"  # as the templates are filled in


@pytest.mark.parametrize(
    ("text", "german"),
    [
        ("there is no anomaly 'x'", "Anomalien: 'x' gibt es nicht"),
        ("a ticket that is new cannot become closed", "ein Ticket im Zustand „neu“ kann nicht „geschlossen“ werden"),
        (
            "category 'netwrok' is unknown; did you mean network?",
            "category: 'netwrok' ist unbekannt; war network gemeint?",
        ),
        ("email takes no answers from here", "E-Mail nimmt von hier keine Antworten an"),
        ("is overloaded: too many requests", "ist überlastet: too many requests"),
        ("Result window is too large", "Result window is too large"),  # Elasticsearch's own words
    ],
)
def test_errors_are_said_with_their_parts(text: str, german: str) -> None:
    assert Words("de", zone_of("UTC")).error(text) == german
    assert Words("en", zone_of("UTC")).error(text) == text
    assert Words("de", zone_of("UTC")).error("") == ""


def test_number_of_the_detectors_is_a_quantity() -> None:
    for value, unit in (
        (0.7123, "ratio"),
        (2140.4, "ms"),
        (4.123, "MOS"),
        (1.234e9, "bytes"),
        (-0.00001, "ratio"),
        (3.4, "EUR/min"),
    ):
        assert SHAPES["actual"].fullmatch(number(value, unit)), (value, unit)
