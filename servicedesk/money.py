"""Money as decimals, kept as whole numbers of a currency's smallest unit (ISO 4217): never a float."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from contracts.errors import UserError

# Currencies whose exponent in ISO 4217 is not 2.
_EXPONENTS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV"), 0),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_MOST = 10**16  # smallest units: sums of many stay exact where Elasticsearch adds 64-bit integers


def exponent(currency: str) -> int:
    """Decimals of a currency. Raises UserError on what is no three-letter code."""
    if len(currency) != 3 or not currency.isascii() or not currency.isupper() or not currency.isalpha():
        raise UserError(f"{currency[:20]!r} is no currency", remedy="use the three letters of ISO 4217, such as EUR")
    return _EXPONENTS.get(currency, 2)


def to_minor(amount: Decimal | str, currency: str) -> int:
    """`12.34` EUR is 1234. Raises UserError on what is no amount, or has more decimals than the currency."""
    try:
        value = Decimal(amount)
    except (InvalidOperation, TypeError, ValueError):
        raise UserError(f"{str(amount)[:40]!r} is no amount of money", remedy="write it as 12.34") from None
    if not value.is_finite() or abs(value) >= _MOST:
        raise UserError(f"{str(amount)[:40]!r} is no amount of money")
    minor = value.scaleb(exponent(currency))
    if minor != minor.to_integral_value() or abs(minor) >= _MOST:
        raise UserError(f"{str(amount)[:40]} {currency} has more decimals than {currency} has, or is too much")
    return int(minor)


def from_minor(minor: int, currency: str) -> Decimal:
    """1234 EUR is `12.34`."""
    return Decimal(minor).scaleb(-exponent(currency))


def money_words(minor: int, currency: str) -> str:
    """`1,234.50 EUR`."""
    return f"{from_minor(minor, currency):,.{exponent(currency)}f} {currency}"
