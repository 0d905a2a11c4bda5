"""The shipped catalogue, and that a bad one is refused with file, key and the nearest right name."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from contracts.entities import SERVICES
from contracts.errors import DefinitionError
from contracts.settings import Settings, read
from kpis import catalogue
from kpis.interpreter import counts

SETTINGS = read({})


def test_catalogue_covers_the_services_and_names_its_sources() -> None:
    known = catalogue.load(SETTINGS)
    assert len(known) >= 14
    assert {definition.service for definition in known.values()} == set(SERVICES)
    for definition in known.values():
        assert definition.standard
        assert definition.unit
        assert "service" in definition.dimensions
        assert definition.bad == "both" or not definition.counted
    targets = {name: (one.target_op, one.target) for name, one in known.items() if one.target is not None}
    assert targets == {
        "voip.ner": (">=", 0.99),
        "voip.jitter_within_target": (">=", 0.95),
        "voip.packet_loss": ("<=", 0.01),
    }


def test_every_count_and_ratio_says_what_it_counts_of_a_record() -> None:
    for definition in catalogue.load(SETTINGS).values():
        for aggregate in (*definition.numerator, *definition.denominator, *definition.samples):
            assert counts(aggregate, {}) in (0, 1)


def test_definition_is_found_by_id_and_alias() -> None:
    known = catalogue.load(SETTINGS)
    assert catalogue.find(known, "asr") is catalogue.find(known, "VOIP.ASR") is known["voip.asr"]
    with pytest.raises(DefinitionError, match=r"did you mean voip\.asr"):
        catalogue.find(known, "voip.azr")


def test_fingerprint_changes_with_a_setting_behind_a_definition() -> None:
    def mark(settings: Settings) -> str:
        return catalogue.fingerprint(catalogue.load(settings))

    assert mark(SETTINGS) == mark(read({}))
    assert mark(SETTINGS) != mark(read({"BUSYHOUR_KPI_NER_USER_NUMBERS": "false"}))
    assert mark(SETTINGS) != mark(read({"BUSYHOUR_KPI_SMS_WITHIN_SEC": "60"}))


@pytest.mark.parametrize(
    ("file", "change", "where", "words"),
    [
        (
            "voip.asr",
            {"denominater": "COUNT(*)"},
            "voip.asr.yml",
            "unknown key 'denominater' (did you mean denominator?)",
        ),
        ("voip.asr", {"kind": "rate"}, "voip.asr.yml: kind", "'rate' is not one of"),
        ("voip.asr", {"service": "viop"}, "voip.asr.yml: service", "did you mean voip?"),
        ("voip.asr", {"dimensions": ["service", "trunk"]}, "voip.asr.yml: dimensions", "did you mean trunk_group?"),
        ("voip.asr", {"dimensions": ["sbc"]}, "voip.asr.yml: dimensions", "does not contain"),
        (
            "voip.asr",
            {"numerator": 'COUNT(*) WHERE voip.dispositon == "a"'},
            "voip.asr.yml: numerator",
            "voip.disposition?",
        ),
        ("voip.asr", {"denominator": None}, "voip.asr.yml: denominator", "None is not valid"),
        ("voip.asr", {"spread": {"from": "a", "to": "b"}}, "voip.asr.yml: spread", "no place in a KPI of this kind"),
        ("voip.asr", {"target": {"at_least": 1, "at_most": 2}}, "voip.asr.yml: target", "too many properties"),
        ("voip.asr", {"alias": "NER"}, "voip.ner.yml: alias", "alias NER is that of voip.asr too"),
        ("voip.asr", {"id": "voip.asr2"}, "voip.asr.yml", "id voip.asr2 stands in voip.asr.yml"),
        (
            "voip.carried_erlang",
            {"spread": {"from": "voip.anser", "to": "event.end"}},
            "spread.from",
            "did you mean voip.answer?",
        ),
        (
            "epc.volume",
            {"spread": {"from": "event.start", "to": "event.end", "amount": "epc.duration.sec"}},
            "amount",
            "whole",
        ),
        ("sms.delivery_ratio", {"settle_sec": "${nothing}"}, "settle_sec", "no number of seconds"),
        ("voip.attempts", {"dimensions": ["service"]}, "services.yml", "voip.attempts must be a count kept for every"),
    ],
)
def test_bad_definition_is_refused(
    tmp_path: Path, file: str, change: dict[str, object], where: str, words: str
) -> None:
    for path in catalogue.FOLDER.glob("*.yml"):
        content = yaml.safe_load(path.read_text())
        (tmp_path / path.name).write_text(yaml.safe_dump(content | (change if path.stem == file else {})))
    with pytest.raises(DefinitionError) as caught:
        catalogue.load(SETTINGS, tmp_path)
    assert where in caught.value.where
    assert words in caught.value.what


@pytest.mark.parametrize("text", ["a: [", "- 1", "", "\x00", "42"])
def test_definition_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "voip.asr.yml").write_text(text)
    with pytest.raises(DefinitionError) as caught:
        catalogue.load(SETTINGS, tmp_path)
    assert "voip.asr.yml" in caught.value.where


def test_catalogue_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="no KPI definitions"):
        catalogue.load(SETTINGS, tmp_path)


def test_definition_file_not_in_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "voip.asr.yml").write_bytes("title: Ü".encode("latin-1"))
    with pytest.raises(DefinitionError, match="not YAML"):
        catalogue.load(SETTINGS, tmp_path)


def _effective(settings: Settings, disposition: str, cause: int | None, status: int | None) -> bool:
    codes = {name: value for name, value in (("q850", cause), ("sip", status)) if value is not None}
    document = {"voip": {"disposition": disposition, "release": codes}}
    (numerator,) = catalogue.load(settings)["voip.ner"].numerator
    return bool(counts(numerator, document))


@pytest.mark.parametrize(
    ("disposition", "cause", "status", "effective"),
    [
        ("answered", 31, 500, True),  # disposition decides
        ("ringing", 17, 486, True),
        ("ringing", 18, 480, True),
        ("call-attempt", 16, 487, True),  # the caller gave up
        ("ringing", 31, 487, True),  # generic cause: the status decides
        ("ringing", 31, 500, False),
        ("ringing", 0, 0, True),  # nothing said: it rang
        ("call-attempt", 0, 0, False),
        ("call-attempt", None, None, False),
        ("ringing", None, None, True),
        ("ringing", None, 503, False),
        ("call-attempt", 34, 486, False),  # a cause that says something is believed
        ("ringing", 127, 480, False),
        ("ringing", 102, 408, False),
        ("ringing", 99, 486, False),  # unknown codes are the network's
    ],
)
def test_ner_counts_a_call_by_cause_then_status_then_ringing(
    disposition: str, cause: int | None, status: int | None, effective: bool
) -> None:
    assert _effective(SETTINGS, disposition, cause, status) is effective


@pytest.mark.parametrize(("cause", "status"), [(1, 404), (28, 484), (0, 404), (31, 604), (None, 485)])
def test_ner_counts_a_wrong_number_by_the_setting(cause: int | None, status: int) -> None:
    assert _effective(SETTINGS, "call-attempt", cause, status)
    assert not _effective(read({"BUSYHOUR_KPI_NER_USER_NUMBERS": "false"}), "call-attempt", cause, status)
