"""E.164 numbers: the shipped table is what phonenumbers compiles to, agrees with it, and both runners agree."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from mediation.enrich import prefixes
from mediation.enrich.numbers import DIALLING, NOWHERE, PREFIXES, NumberPlan, Place, homes
from mediation.layout import NumberField
from mediation.load import load_layouts
from mediation.logstash.enrich import write_numbers
from tests.enrich.rendered import ROOT, rendered, run_filters, run_script, writer

TYPES = {
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
}
PLAN = NumberPlan()
TRIES = 6_000


def examples() -> list[PhoneNumber]:
    """Every valid example number that phonenumbers has."""
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    found = [phonenumbers.example_number_for_type(region, kind) for region in regions for kind in TYPES]
    found += [
        phonenumbers.example_number_for_non_geo_entity(code)
        for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
    ]
    return [number for number in found if number is not None and phonenumbers.is_valid_number(number)]


def agrees(number: PhoneNumber) -> bool:
    text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    region = phonenumbers.region_code_for_number(number)
    place = PLAN[text]
    return (place.country or "001", place.type) == (region, TYPES[phonenumbers.number_type(number)])


def test_tables_are_what_the_pinned_phonenumbers_compiles_to() -> None:
    assert PREFIXES.read_text(encoding="ascii") == prefixes.prefixes(), "run python -m mediation.enrich.prefixes"
    assert DIALLING.read_text(encoding="ascii") == prefixes.dialling(), "run python -m mediation.enrich.prefixes"


def test_table_agrees_with_phonenumbers_on_every_example() -> None:
    wrong = [number for number in examples() if not agrees(number)]
    assert len(examples()) > 1300
    assert wrong == []


def test_table_agrees_with_phonenumbers_on_random_valid_numbers() -> None:
    rng = random.Random(20261121)
    known = examples()
    tried = 0
    for _ in range(TRIES):
        base = rng.choice(known)
        digits = phonenumbers.national_significant_number(base)
        kept = rng.randrange(len(digits))
        digits = digits[:kept] + "".join(rng.choice("0123456789") for _ in digits[kept:])
        zeros = len(digits) - len(digits.lstrip("0"))
        number = PhoneNumber(
            country_code=base.country_code,
            national_number=int(digits),
            italian_leading_zero=True if zeros else None,
            number_of_leading_zeros=zeros if zeros > 1 else None,
        )
        if int(digits) and phonenumbers.is_valid_number(number):
            tried += 1
            assert agrees(number), phonenumbers.format_number(number, PhoneNumberFormat.E164)
    assert tried > TRIES // 2


GB, US, IT = NumberPlan("GB"), NumberPlan("US"), NumberPlan("IT")
MSISDN = NumberPlan("GB", international=True)


@pytest.mark.parametrize(
    ("plan", "number", "place"),
    [
        (PLAN, "+442079460000", Place("GB", "fixed", "world-4")),
        (PLAN, "00442079460000", Place("GB", "fixed", "world-4")),
        (PLAN, "02079460000", NOWHERE),  # nobody said whose national number
        (GB, "02079460000", Place("GB", "fixed", "national")),
        (GB, "2079460000", Place("GB", "fixed", "national")),  # without its national prefix
        (GB, "07700900001", Place("GB", "mobile", "national")),  # in no range of today: its nearest one
        (GB, "+33123456789", Place("FR", "fixed", "world-3")),
        (GB, "0033123456789", Place("FR", "fixed", "world-3")),
        (GB, "33123456789", NOWHERE),  # no national number, and no sign that it is another
        (US, "01133123456789", Place("FR", "fixed", "world-3")),
        (US, "2125550123", Place("US", "fixed_or_mobile", "national")),
        (US, "+14165550123", Place("CA", "fixed_or_mobile", "world-1")),
        (IT, "0612345678", Place("IT", "fixed", "national")),  # the zero is part of the number
        (MSISDN, "447700900001", Place("GB", "mobile", "national")),
        (MSISDN, "07700900001", Place("GB", "mobile", "national")),  # no calling code begins with 0
        (PLAN, "+80012345678", Place(None, "toll_free", "world-8")),
        (PLAN, "+4930", NOWHERE),
        (PLAN, "+120455501", Place("CA", None, "world-1")),
        (PLAN, "+4", NOWHERE),
        (PLAN, "+999123456789", NOWHERE),
        (PLAN, "+44" + "1" * 14, NOWHERE),  # longer than E.164 allows
        (PLAN, "+4412345678", Place("GB", None, "world-4")),  # of no length that the plan has: the country alone
        (GB, "999", NOWHERE),
        (GB, "112", NOWHERE),
        (GB, "+", NOWHERE),
        (GB, "++442079460000", NOWHERE),
        (GB, "anonymous", NOWHERE),
        (GB, "+44 20 7946 0000", NOWHERE),
        (GB, "٠٢٠٧٩٤٦٠٠٠٠", NOWHERE),
    ],
)
def test_number_has_its_place(plan: NumberPlan, number: str, place: Place) -> None:
    assert plan[number] == place


plans = st.builds(NumberPlan, st.sampled_from(["", *homes()]), international=st.booleans())
numbers = st.one_of(
    st.text(min_size=1, max_size=20),
    st.from_regex(r"\A(\+|00|0|011|810)?[0-9]{1,16}\Z"),
)


@settings(max_examples=300)
@given(plans, numbers)
def test_any_text_has_a_place_or_none_and_never_fails(plan: NumberPlan, number: str) -> None:
    place = plan[number]
    assert (place == NOWHERE) == (place.zone is None)
    assert (place.zone == "national") == (place.country is not None and place.country == plan.home.country)


def test_numbers_are_remembered_within_bounds() -> None:
    plan = NumberPlan("GB")
    for index in range(70_000):
        assert plan[f"+4479{index:08d}"].country in ("GB", "JE", "GG", "IM")
    assert len(plan) <= 65_536


@pytest.mark.parametrize(
    ("home", "plain"), [("", "national"), ("GB", "national"), ("US", "national"), ("RU", "international")]
)
def test_script_places_numbers_as_the_python_runner_does(home: str, plain: str) -> None:
    rng = random.Random(home + plain)
    lines = [phonenumbers.format_number(number, PhoneNumberFormat.E164) for number in examples()]
    lines += (
        [f"00{line[1:]}" for line in lines[::3]]
        + [line[1:] for line in lines[::2]]
        + [f"0{line[4:]}" for line in lines]
    )
    lines += ["".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 18))) for _ in range(2_000)]
    lines += ["+", "++1", "0", "00", "+0", "anonymous", "+44 20", "011", "8", "٠٢٠٧٩٤٦٠٠٠٠", "8" * 400]
    params = {"prefixes": str(PREFIXES), "dialling": str(DIALLING), "home": home, "plain": plain, "column": "n"}
    params |= {name: f"[{name}]" for name in Place._fields}
    plan = NumberPlan(home, international=plain == "international")
    out = run_script("number_plan", params, [{"raw": {"n": line}} for line in lines])
    assert len(out) == len(lines)
    for line, event in zip(lines, out, strict=True):
        assert Place(*(event.get(name) for name in Place._fields)) == plan[line], line


def test_script_refuses_a_home_without_a_number_plan() -> None:
    params = {"prefixes": str(PREFIXES), "dialling": str(DIALLING), "home": "UK", "plain": "national", "column": "n"}
    assert "UK" in run_script("number_plan", params, [])["error"]


def test_rendered_filters_read_the_shipped_tables_and_the_setting() -> None:
    layout = load_layouts()["sms-busyhour"]
    parts = writer(layout)
    write_numbers(parts)
    event = {"raw": {"msisdn": "447700900001", "peer_number": "02079460000"}}
    (out,) = run_filters(rendered(parts), [event], {"BUSYHOUR_NUMBERS_HOME_COUNTRY": "GB"})
    assert out["subscriber"] == {"country": "GB"}
    assert out["peer"] == {"country": "GB", "number_type": "fixed", "zone": "national"}
    (out,) = run_filters(rendered(parts), [event], {})
    assert (out["subscriber"], "peer" in out) == ({"country": "GB"}, False)
    for table in (PREFIXES, DIALLING):
        assert (ROOT / "logstash/dictionaries" / table.name).read_bytes() == table.read_bytes()


def test_layouts_own_home_wins_over_the_setting() -> None:
    number = NumberField("n", home="US", country="voip.calling.country")
    parts = writer(load_layouts()["voip-busyhour"])
    parts.layout = parts.layout.__class__(
        **{name: getattr(parts.layout, name) for name in parts.layout.__dataclass_fields__} | {"numbers": (number,)}
    )
    write_numbers(parts)
    (out,) = run_filters(rendered(parts), [{"raw": {"n": "2125550123"}}], {"BUSYHOUR_NUMBERS_HOME_COUNTRY": "GB"})
    assert out["voip"]["calling"]["country"] == "US"
