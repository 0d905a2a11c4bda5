"""The tariff table: what minutes, messages and megabytes cost, by plan, zone and day. Money is decimal, exact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from contracts.errors import DefinitionError
from contracts.settings import Settings
from usage.schema import LONGEST_PLAN

SHIPPED = Path(__file__).resolve().parent / "tariffs.yml"
ANY_PLAN = "*"
STREAMS = ("voice", "sms", "data", "roaming")
_PER: dict[str, dict[str, Decimal | None]] = {
    "voice": {"minute": None, "second": Decimal(1000)},  # None: minutes begun; else milliseconds a unit
    "data": {
        "kB": Decimal(10**3),
        "MB": Decimal(10**6),
        "GB": Decimal(10**9),
        "MiB": Decimal(2**20),
        "GiB": Decimal(2**30),
    },
}
_PRICES = {
    "voice": ("national", "international", "roaming", "roaming_received"),
    "sms": ("national", "international", "roaming"),
    "data": ("national", "international", "roaming"),
}
_DEAREST = Decimal(1_000_000)
_MOST_DIGITS = 12  # behind the point


class Rates(NamedTuple):
    """Prices of one plan: (service, zone or roaming_received) → price of a unit; `per`: service → unit."""

    prices: Mapping[tuple[str, str], Decimal]
    per: Mapping[str, str]


class Tariff(NamedTuple):
    """Valid from a local day until the next tariff; plans → rates, "*" for all others."""

    start: date
    plans: Mapping[str, Rates]

    def rates(self, plan: str) -> Rates | None:
        return self.plans.get(plan) or self.plans.get(ANY_PLAN)


class TariffTable(NamedTuple):
    """`tariffs` in the order of their first day."""

    currency: str
    tariffs: tuple[Tariff, ...]


class Usage(NamedTuple):
    """Sums of one service, direction and zone, as the sums tables have them."""

    service: str
    direction: str
    zone: str
    units: int
    duration_ms: int
    volume: int


def stream(usage: Usage) -> str:
    """The revenue stream: everything abroad is roaming."""
    return "roaming" if usage.zone == "roaming" else usage.service


def amount(rates: Rates, usage: Usage) -> Decimal:
    """Price of that usage. What is received costs nothing, but for calls received abroad."""
    name = usage.zone
    if usage.direction == "received":
        if usage.service != "voice" or usage.zone != "roaming":
            return Decimal(0)
        name = "roaming_received"
    return rates.prices.get((usage.service, name), Decimal(0)) * quantity(rates, usage)


def quantity(rates: Rates, usage: Usage) -> Decimal:
    """Billable units: minutes begun or seconds, parts, megabytes."""
    if usage.service == "sms":
        return Decimal(usage.units)
    size = _PER[usage.service][rates.per[usage.service]]
    if size is None:
        return Decimal(usage.units)
    return Decimal(usage.duration_ms if usage.service == "voice" else usage.volume) / size


def load_tariffs(settings: Settings) -> TariffTable:
    """The table of usage.tariffs, else the shipped one. Raises DefinitionError with file, key and value."""
    name = settings.text("usage.tariffs")
    return read_tariffs(Path(name) if name else SHIPPED)


def read_tariffs(path: Path) -> TariffTable:
    try:
        # BaseLoader leaves every value text: a price never becomes a float on the way.
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - makes texts, lists, dicts
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DefinitionError(f"cannot be read: {error}", where=str(path)) from None
    top = _keys(content, ("currency", "tariffs"), str(path))
    rows = top["tariffs"]
    if not isinstance(rows, list) or not rows:
        raise DefinitionError("tariffs is no list", where=str(path))
    found = sorted((_tariff(row, f"{path}: tariffs[{at}]") for at, row in enumerate(rows)), key=lambda each: each.start)
    if len({each.start for each in found}) < len(found):
        raise DefinitionError("two tariffs are valid from the same day", where=str(path))
    currency = str(top["currency"])
    if not (currency.isascii() and currency.isalpha() and currency.isupper() and len(currency) == 3):
        raise DefinitionError(f"currency {currency[:20]!r} is not a code such as EUR (ISO 4217)", where=str(path))
    return TariffTable(currency, tuple(found))


def _keys(content: Any, known: tuple[str, ...], where: str, *, all_needed: bool = True) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise DefinitionError(f"is no mapping of {', '.join(known)}", where=where)
    for key in content:
        if key not in known:
            raise DefinitionError(f"unknown key {str(key)[:40]!r}", where=where, remedy=f"one of {', '.join(known)}")
    missing = [key for key in known if key not in content] if all_needed else []
    if missing:
        raise DefinitionError(f"{missing[0]} is missing", where=where)
    return content


def _tariff(row: Any, where: str) -> Tariff:
    top = _keys(row, ("from", "plans"), where)
    try:
        start = date.fromisoformat(str(top["from"]))
    except ValueError:
        raise DefinitionError(f"from {str(top['from'])[:40]!r} is not a day such as 2026-01-01", where=where) from None
    plans = top["plans"]
    if not isinstance(plans, dict) or not plans:
        raise DefinitionError("plans is no mapping", where=where)
    for plan in plans:
        if not plan or len(plan) > LONGEST_PLAN:
            raise DefinitionError(f"plan {plan[:80]!r} has no name, or one that is too long", where=where)
    return Tariff(start, {plan: _rates(value, f"{where}.{plan}") for plan, value in plans.items()})


def _rates(value: Any, where: str) -> Rates:
    prices: dict[tuple[str, str], Decimal] = {}
    per = {"voice": "minute", "data": "MB"}
    for service, row in _keys(value, tuple(_PRICES), where, all_needed=False).items():
        known = (*(("per",) if service in _PER else ()), *_PRICES[service])
        for name, text in _keys(row, known, f"{where}.{service}", all_needed=False).items():
            if name != "per":
                prices[service, name] = _price(text, f"{where}.{service}.{name}")
            elif text in _PER[service]:
                per[service] = text
            else:
                units = ", ".join(_PER[service])
                raise DefinitionError(f"per {str(text)[:40]!r} is not one of {units}", where=f"{where}.{service}")
    return Rates(prices, per)


def _price(text: Any, where: str) -> Decimal:
    try:
        price = Decimal(str(text))
    except InvalidOperation:
        raise DefinitionError(f"{str(text)[:40]!r} is not a price", where=where) from None
    digits = price.as_tuple().exponent
    if not price.is_finite() or not 0 <= price <= _DEAREST or not isinstance(digits, int) or -digits > _MOST_DIGITS:
        raise DefinitionError(f"{str(text)[:40]!r} is not a price of 0 to {_DEAREST}", where=where)
    return price
