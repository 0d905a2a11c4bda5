"""Names and faults of releases: the table is whole, the order of the codes holds, both runners agree."""

from __future__ import annotations

from itertools import product

import pytest

from contracts.settings import read
from kpis.catalogue import named_values
from mediation.enrich.causes import Releases, causes, dictionaries
from mediation.layout import Derived
from mediation.load import load_layouts
from mediation.logstash.enrich import source_tests, tables, write_release
from tests.enrich.rendered import ROOT, rendered, run_filters, writer

NAME, FAULT = Releases("name"), Releases("fault")
Q850_WITHOUT_NAME = {0, *range(10, 14), 15, 32, 33, 35, 36, 37, 45, 48, 51, 52, 54, 56, 59, 60, 61, 64, 67, 68}


def test_causes_have_a_name_for_every_code_of_the_recommendation() -> None:
    """ITU-T Q.850 table 1: those codes up to 70 that it leaves out are known, so that none was forgotten."""
    named = {code for code, cause in causes()["q850"].items() if cause.name}
    assert named & set(range(71)) == set(range(71)) - Q850_WITHOUT_NAME
    assert max(named) == 127
    assert all(100 <= code <= 699 for code in causes()["sip"] if code)


def test_fault_and_class_go_together() -> None:
    allowed = {
        ("user", "none"),
        ("user", "user"),
        ("number", "user"),
        ("generic", "unknown"),
        ("network", "network"),
        ("network", "far_end"),
    }
    for protocol, rows in causes().items():
        for code, cause in rows.items():
            if protocol == "sip" and 0 < code < 300:
                assert (cause.ner, cause.fault) == ("network", "none")
            else:
                assert (cause.ner, cause.fault) in allowed, (protocol, code)


def test_ner_counts_the_codes_that_it_always_counted() -> None:
    named = named_values(read({}))
    assert named["user_causes"] == (1, 16, 17, 18, 19, 20, 21, 22, 28)
    assert named["generic_causes"] == (0, 31)
    assert named["user_statuses"] == (404, 410, 480, 484, 485, 486, 487, 600, 603, 604, 607)
    assert named["generic_statuses"] == (0,)


@pytest.mark.parametrize(
    ("q850", "sip", "name", "fault"),
    [
        (16, 200, "Normal call clearing", "none"),
        (17, 503, "User busy", "user"),  # the cause decides
        (31, 486, "Busy Here", "user"),  # generic: the status decides
        (0, 503, "Service Unavailable", "network"),
        (None, 404, "Not Found", "user"),
        (31, None, "Normal, unspecified", "unknown"),  # nobody says more
        (31, 0, "Normal, unspecified", "unknown"),
        (27, None, "Destination out of order", "far_end"),
        (12, 200, None, "network"),  # not listed
        (None, 499, None, "network"),
        (0, 0, None, None),
        (0, None, None, None),
        (None, 0, None, None),
        (None, None, None, None),
    ],
)
def test_release_is_named_by_the_code_that_decides(
    q850: int | None, sip: int | None, name: str | None, fault: str | None
) -> None:
    assert (NAME[q850, sip], FAULT[q850, sip]) == (name, fault)


def test_releases_are_remembered_within_bounds() -> None:
    found = Releases("name")
    for code in range(20_000):
        assert found[code, None] == NAME[code, None]
    assert len(found) <= 8_192


@pytest.mark.parametrize(
    "roles", [{"q850": "voip.release.q850", "sip": "voip.release.sip"}, {"q850": "voip.release.q850"}]
)
@pytest.mark.parametrize("kind", ["release_name", "release_fault"])
def test_rendered_filters_give_the_same_releases(kind: str, roles: dict[str, str]) -> None:
    derived = Derived("voip.release.out", kind, tuple(roles.values()), roles)  # type: ignore[arg-type]
    parts = writer(load_layouts()["voip-busyhour"])
    tests = source_tests(derived, [parts.field(field) for field in derived.sources])
    with parts.out.block(f"if {' and '.join(tests)}"):
        write_release(parts, "x", derived)
    codes = list(product((None, 0, 1, 12, 16, 27, 31, 88, 127), (None, 0, 200, 404, 486, 488, 499, 503)))
    events = [{"voip": {"release": {"q850": q850, "sip": sip}}} for q850, sip in codes]
    for event in events:
        event["voip"]["release"] = {name: code for name, code in event["voip"]["release"].items() if code is not None}
    releases = NAME if kind == "release_name" else FAULT
    out = run_filters(rendered(parts), events, {})
    for (q850, sip), event in zip(codes, out, strict=True):
        expected = releases[q850, sip if "sip" in roles else None]
        assert event["voip"]["release"].get("out") == expected, (q850, sip)


def test_dictionaries_are_checked_in_when_the_table_changed() -> None:
    for path, text in tables().items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path} is stale: run `busyhour layouts render`"
    assert set(dictionaries()) == {"q850-name", "q850-fault", "sip-name", "sip-fault"}
