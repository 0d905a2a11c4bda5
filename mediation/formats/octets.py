"""Octets of 3GPP charging records as text: numbers in TBCD, times, addresses. Each raises Unreadable on what is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from contracts.outcomes import Reason
from mediation.times import stored
from mediation.values import REMEMBERED


class Unreadable(ValueError):
    """A value that is none of its type; `reason` is what a reject gives."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


_DIGITS = "0123456789*#abc"  # TBCD (TS 29.002), low nibble first; 15 fills up
_PAIRS = tuple((f"{_DIGITS}."[octet & 15]) + f"{_DIGITS}."[octet >> 4] for octet in range(256))
_INTERNATIONAL, _ALPHANUMERIC = 1, 5  # types of number (TS 29.002, TS 23.040)
_FURTHEST = "14"  # hours from UTC, as for every other time
_LARGEST = 10**18  # as everywhere: a whole number has at most 18 digits
_GSM_7_BIT = (  # TS 23.038, basic character set; 27 leads to the extensions, which no sender's name has
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def tbcd(octets: bytes) -> str:
    """Digits of an IMSI, IMEI or number: `00 01 01 f3` → `0010103`."""
    text = "".join([_PAIRS[octet] for octet in octets])
    digits = text.removesuffix(".")
    if not digits or "." in digits:
        raise Unreadable(
            Reason.BAD_VALUE, f"{len(octets)} octets are no number in TBCD"
        )  # no detail shows a subscriber
    return digits


def msisdn(octets: bytes) -> str:
    """Digits of an ISDN-AddressString: country code and so on, without a plus; the first octet is type and plan of the number."""
    return tbcd(octets[1:])


def address(octets: bytes) -> str:
    """Digits of an AddressString, with a plus before an international number; a sender's name as text."""
    kind = octets[0] >> 4 & 7 if octets else 0
    if kind == _ALPHANUMERIC:
        return _alphanumeric(octets[1:])
    return "+" + tbcd(octets[1:]) if kind == _INTERNATIONAL else tbcd(octets[1:])


def _alphanumeric(octets: bytes) -> str:
    """A name in the 7-bit alphabet, packed; a last character @ that only fills up is none (TS 23.038)."""
    bits = int.from_bytes(octets, "little")
    text = "".join(_GSM_7_BIT[bits >> 7 * place & 127] for place in range(len(octets) * 8 // 7))
    if text.endswith("@") and len(octets) % 7 == 0:
        text = text[:-1]
    if not text or "\n" in text or "\r" in text:
        raise Unreadable(Reason.BAD_VALUE, f"{octets[:40].hex()} is no name of a sender")
    return text


@lru_cache(maxsize=REMEMBERED)
def time(octets: bytes) -> str:
    """A TimeStamp (YYMMDDhhmmss, sign, hhmm) in UTC as it is stored; what is no time as written, for the layout to refuse."""
    if len(octets) != 9 or octets[6] not in b"+-":
        raise Unreadable(Reason.BAD_TIME, f"{octets[:16].hex()} is no TimeStamp of 9 octets")
    text = octets.hex()
    date, clock = f"20{text[:2]}-{text[2:4]}-{text[4:6]}", f"{text[6:8]}:{text[8:10]}:{text[10:12]}"
    written = f"{date}T{clock}{chr(octets[6])}{text[14:16]}:{text[16:]}"
    try:
        return (
            stored(datetime.fromisoformat(written).astimezone(UTC)) if text[14:16] <= _FURTHEST else None
        ) or written
    except ValueError:
        return written


@lru_cache(maxsize=REMEMBERED)
def _ip(value: bytes | str) -> str:
    if isinstance(value, str):
        if "%" in value:
            raise Unreadable(Reason.BAD_VALUE, f"{value[:40]!r} has a zone, no node's address has")
        try:
            return str(ip_address(value))
        except ValueError:
            raise Unreadable(Reason.BAD_VALUE, f"{value[:40]!r} is no IP address") from None
    if len(value) not in (4, 16):
        raise Unreadable(Reason.BAD_VALUE, f"{value[:40].hex()} is no IP address")
    return str(IPv4Address(value) if len(value) == 4 else IPv6Address(value))


def ip(value: Any) -> str:
    """An IPAddress as asn1tools gives it: the alternative within the alternative; without its prefix length where it has one."""
    while isinstance(value, tuple):
        value = value[1]
    return _ip(value["iPBinV6Address"] if isinstance(value, dict) else value)


def whole(value: int) -> str:
    """Decimal digits."""
    if -_LARGEST < value < _LARGEST:
        return str(value)
    raise Unreadable(Reason.BAD_NUMBER, f"a whole number of {value.bit_length()} bits")


def text(value: str) -> str:
    """Characters without control characters."""
    if value.isprintable():
        return value
    raise Unreadable(Reason.BAD_VALUE, f"{value[:40]!r} holds a control character")


def hexadecimal(octets: bytes) -> str:
    """Octets without a meaning of their own, such as a message reference."""
    return octets.hex()


def choice(value: Any) -> str:
    """Which alternative of a Diagnostics, and its number: `gsm0902MapErrorValue:31`."""
    name, inner = value
    return f"{name}:{whole(inner)}" if isinstance(inner, int) else str(name)


# Readers by the name of the ASN.1 type; a type of another name is read as the type it is made of.
BY_TYPE: dict[str, Callable[[Any], str]] = {
    "IMSI": tbcd,
    "IMEI": tbcd,
    "MSISDN": msisdn,
    "AddressString": address,
    "SmsTpDestinationNumber": address,
    "TimeStamp": time,
    "IPAddress": ip,
    "Diagnostics": choice,
    "INTEGER": whole,
    "IA5String": text,
    "OCTET STRING": hexadecimal,
}
