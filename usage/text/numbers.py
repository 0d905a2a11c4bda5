"""MSISDNs: international numbers of at most 15 digits (ITU-T E.164 6.2.1), kept as `+` and digits."""

from __future__ import annotations

import re

MOST_DIGITS = 15
LEAST_DIGITS = 5
_SEPARATORS = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


def parse_msisdn(text: str, calling_code: str = "") -> str:
    """`+` and digits, of `+44 20 7946 0958`, `0044…`, `tel:+44…` or, where the own `calling_code` is given, `020 7946 0958`.

    Raises ValueError with the reason.
    """
    cleaned = _SEPARATORS.sub("", text.strip().removeprefix("tel:").replace("(0)", ""))
    if cleaned.startswith("+"):
        digits = cleaned[1:]
    elif cleaned.startswith("00"):
        digits = cleaned[2:]
    elif cleaned.startswith("0") and calling_code:
        digits = calling_code + cleaned[1:]
    else:
        digits = cleaned
    if not _DIGITS.fullmatch(digits):
        raise ValueError(f"{text.strip()[:40]!r} is not a number; write it as +44 20 7946 0958")
    if digits.startswith("0"):
        raise ValueError(f"{text.strip()[:40]!r} begins with 0: the country's calling code is missing")
    if not LEAST_DIGITS <= len(digits) <= MOST_DIGITS:
        raise ValueError(f"{text.strip()[:40]!r} has {len(digits)} digits, not {LEAST_DIGITS} to {MOST_DIGITS}")
    return f"+{digits}"


def grouped(msisdn: str, calling_code: str = "") -> str:
    """`+44 20 794 609 58`: the calling code where it is known, then threes, for reading aloud; parses back to the same."""
    digits = msisdn.removeprefix("+")
    code = calling_code if calling_code and digits.startswith(calling_code) else ""
    rest = digits[len(code) :]
    parts = [rest[at : at + 3] for at in range(0, len(rest), 3)]
    return "+" + " ".join([code, *parts] if code else parts)


def national(msisdn: str, calling_code: str) -> str:
    """`02079460958` of `+442079460958` at home (`44`); the number as it is when it is of elsewhere."""
    own = f"+{calling_code}"
    return f"0{msisdn[len(own) :]}" if calling_code and msisdn.startswith(own) else msisdn
