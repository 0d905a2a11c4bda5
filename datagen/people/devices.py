"""Which device a line is in, and what it can do: the same one for ever, computed from the line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from datagen.network import Device
from datagen.streams import mixed, pick_for
from datagen.table import Flags, Floats, Ints

_SERIALS = 10**6


@dataclass(frozen=True, slots=True)
class Devices:
    """Models of devices, handsets and things, by share."""

    models: tuple[Device, ...]
    seed: int

    def model(self, line: Ints, thing: Flags) -> Ints:
        """Index into `models` of the device in each line (a number of its own)."""
        handset, other = (pick_for(self.shares(kind), line, self.seed + 11) for kind in ("handset", "thing"))
        return np.asarray(np.where(thing, other, handset))

    def shares(self, kind: str) -> Floats:
        """Share of each model among the devices of a kind."""
        shares = np.array([each.share * (each.kind == kind) for each in self.models])
        return np.asarray(shares / shares.sum())

    def imei(self, line: Ints, thing: Flags) -> Ints:
        """Fifteen digits: type allocation code, serial number, Luhn check digit (3GPP TS 23.003 §6.2)."""
        model, chance = self.model(line, thing), mixed(line, self.seed + 2)
        first: Ints = np.array([each.first for each in self.models])
        codes: Ints = np.array([each.codes for each in self.models])
        code = first[model] + chance % codes[model]
        body = code * _SERIALS + chance // codes[model] % _SERIALS
        return np.asarray(body * 10 + luhn(body))

    def able(self, technology: str) -> Flags:
        """Which models have a technology."""
        return np.array([technology in each.technologies for each in self.models])

    def coverage(self, technology: str, kind: str) -> float:
        """Share of the devices of a kind that have a technology."""
        return float(self.shares(kind) @ self.able(technology))


def luhn(body: Ints) -> Ints:
    """Check digit of fourteen digits (ISO/IEC 7812-1 Annex B)."""
    sums, total, rest = _digit_sums(), np.zeros_like(body), body
    for _ in range(4):
        rest, four = np.divmod(rest, 10_000)
        total += sums[four]
    return np.asarray(-total % 10)


@lru_cache(maxsize=1)
def _digit_sums() -> Ints:
    """Of four digits: their sum with every second one doubled, from the last one on."""
    rest, total = np.arange(10_000), np.zeros(10_000, np.int64)
    for position in range(4):
        digit = rest % 10 * (2 if position % 2 == 0 else 1)
        total += digit // 10 + digit % 10
        rest = rest // 10
    return total


def technologies(
    devices: Devices, model: Ints, kind: str, words: tuple[str, ...], shares: Floats, chance: Floats
) -> Ints:
    """Radio technology of each record (index into `words`): in the shares asked for, and only what the device has.

    The first word is what is left: a device that has none of the others uses it. chance: 0–1, one a record.
    """
    found, upper = np.zeros(model.size, np.int64), np.zeros(model.size)
    wanted = shares / shares.sum()
    for index in range(1, len(words)):
        covered = devices.coverage(words[index], kind)
        able = devices.able(words[index])[model]
        lower = upper
        upper = lower + np.where(able, min(1.0, wanted[index] / covered) if covered else 0.0, 0.0)
        found[(chance >= lower) & (chance < upper)] = index
    return found
