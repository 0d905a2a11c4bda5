"""Texts as the octets of 3GPP charging records: what `mediation.formats.octets` reads, the other way round."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from contracts.errors import DefinitionError

_INTERNATIONAL, _UNKNOWN, _ALPHANUMERIC = 0x91, 0x81, 0xD0  # TS 29.002, ext bit and ISDN plan
_GSM_7_BIT = (  # TS 23.038, basic character set
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_REMEMBERED = 65_536


def tbcd(digits: str) -> bytes:
    digits += "f" * (len(digits) % 2)
    return bytes.fromhex("".join([digits[place + 1] + digits[place] for place in range(0, len(digits), 2)]))


def msisdn(text: str) -> bytes:
    return bytes((_INTERNATIONAL,)) + tbcd(text.removeprefix("+"))


@lru_cache(maxsize=_REMEMBERED)
def address(text: str) -> bytes:
    """Digits with or without a plus; any other text as an alphanumeric sender, of the 7-bit alphabet."""
    digits = text.removeprefix("+")
    if digits.isascii() and digits.isdigit():
        return bytes((_INTERNATIONAL if text != digits else _UNKNOWN,)) + tbcd(digits)
    bits = 0
    for place, sign in enumerate(text):
        code = _GSM_7_BIT.find(sign)
        if code < 0 or sign in "\n\r\x1b":
            raise DefinitionError(f"{text!r} cannot be written in the 7-bit alphabet of TS 23.038")
        bits |= code << 7 * place
    return bytes((_ALPHANUMERIC,)) + bits.to_bytes((7 * len(text) + 7) // 8, "little")


@lru_cache(maxsize=_REMEMBERED)
def timestamp(text: str) -> bytes:
    """TimeStamp of a stored time, in UTC, to the second."""
    moment = datetime.fromisoformat(text)
    return bytes.fromhex(f"{moment:%y%m%d%H%M%S}") + b"+\0\0"


@lru_cache(maxsize=_REMEMBERED)
def ip(text: str) -> Any:
    address = ip_address(text)
    if address.version == 4:
        return "iPBinaryAddress", ("iPBinV4Address", address.packed)
    return "iPBinaryAddress", ("iPBinV6Address", ("iPBinV6Address", address.packed))


def whole(text: str) -> int:
    """Halves up."""
    return int(text) if "." not in text else int(float(text) + 0.5)


def alternative(text: str) -> tuple[str, int]:
    name, _, number = text.partition(":")
    return name, int(number)


# Writers by the name of the ASN.1 type, as in mediation.formats.octets.
BY_TYPE: dict[str, Callable[[str], Any]] = {
    "IMSI": tbcd,
    "IMEI": tbcd,
    "MSISDN": msisdn,
    "AddressString": address,
    "SmsTpDestinationNumber": address,
    "TimeStamp": timestamp,
    "IPAddress": ip,
    "Diagnostics": alternative,
    "INTEGER": whole,
    "IA5String": str,
    "OCTET STRING": bytes.fromhex,
}
