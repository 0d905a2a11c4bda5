"""Enrichment as pieces of the Python that `mediation.compile` writes: what they are called there, and the expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mediation.enrich.causes import Releases
from mediation.enrich.numbers import NOWHERE, NumberPlan
from mediation.enrich.quality import mos_of_r_factor, share
from mediation.layout import Derived, NumberField

RELEASE = ("release_name", "release_fault")
MAY_BE_ABSENT = (*RELEASE, "ratio", "seconds_between")  # even where every source is there
ENRICHED = (*RELEASE, "ratio", "mos_of_r_factor")


def names() -> dict[str, Any]:
    """What the expressions call."""
    return {
        "release_name": Releases("name"),
        "release_fault": Releases("fault"),
        "mos_of_r_factor": mos_of_r_factor,
        "ratio": share,
        "NOWHERE": NOWHERE,
    }


def value(derived: Derived, variables: Mapping[str, str]) -> str:
    """Expression for a derived field of one of the kinds `ENRICHED`."""
    if derived.kind in RELEASE:
        roles = derived.values or {}
        codes = (variables[str(roles[role])] if role in roles else "None" for role in ("q850", "sip"))
        return f"{derived.kind}[{', '.join(codes)}]"
    return f"{derived.kind}({', '.join(variables[field] for field in derived.sources)})"


def given(derived: Derived, tests: Sequence[str]) -> list[str]:
    """Tests that sources are there: of a release either code may be absent."""
    return [f"({' or '.join(tests)})"] if derived.kind in RELEASE and len(tests) > 1 else list(tests)


def plan(number: NumberField) -> NumberPlan:
    return NumberPlan(number.home, international=number.plain == "international")
