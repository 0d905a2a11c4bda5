"""How records look in quiet times, read from `behaviour.yml` and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contracts.errors import DefinitionError
from datagen.definitions import FOLDER, known, load, mapping, number, one_of
from datagen.streams import Stream, pick
from datagen.table import Floats, Ints
from datagen.traffic.noise import Noise

DISPOSITIONS = ("answered", "ringing", "call-attempt")


@dataclass(frozen=True, slots=True)
class Endings:
    """Ways for a call to end unanswered: one array per figure, one row per way."""

    share: Floats
    disposition: Ints  # index into DISPOSITIONS
    q850: Ints
    sip: Ints
    median_sec: Floats
    sigma: Floats

    def draw(self, rng: Stream, size: int) -> Ints:
        return pick(rng, self.share, size)


def endings(value: Any, where: str) -> Endings:
    """From a list of rows as under `voip.failed`. Raises DefinitionError."""
    if not isinstance(value, list) or not value:
        raise DefinitionError("must be a list of ways to end a call", where=where)
    keys = {"share": (1e-9, 1), "q850": (0, 127), "sip": (0, 699), "median_sec": (0, 3600), "sigma": (0, 5)}
    for row in value:
        known(mapping(row, where), where, keys, ["name", "disposition"])
        one_of(row.get("disposition", "call-attempt"), DISPOSITIONS[1:], f"{where}.disposition")
    figures = {
        key: np.array([number(row[key], f"{where}.{key}", low, high) for row in value])
        for key, (low, high) in keys.items()
    }
    words = [DISPOSITIONS.index(row.get("disposition", "call-attempt")) for row in value]
    return Endings(
        figures["share"],
        np.array(words),
        figures["q850"].astype(np.int64),
        figures["sip"].astype(np.int64),
        figures["median_sec"],
        figures["sigma"],
    )


@dataclass(frozen=True, slots=True)
class Mix:
    """Words with their shares."""

    words: tuple[str, ...]
    shares: Floats

    def draw(self, rng: Stream, size: int) -> Ints:
        return pick(rng, self.shares, size)


def mix(value: Any, where: str) -> Mix:
    rows = mapping(value, where)
    if not rows:
        raise DefinitionError("is empty", where=where)
    return Mix(tuple(rows), np.array([number(share, f"{where}.{word}", 0, 1) for word, share in rows.items()]))


@dataclass(frozen=True, slots=True)
class VoipHabits:
    """`figures` by dotted key, such as `talk.median_sec`."""

    figures: Mapping[str, float]
    codecs: Mix
    impairment: Floats  # Ie of each codec
    robustness: Floats  # Bpl of each codec
    unanswered: Endings
    failed: Endings


@dataclass(frozen=True, slots=True)
class SmsHabits:
    figures: Mapping[str, float]
    peers: Mix
    errors: Mix  # words are the error codes


@dataclass(frozen=True, slots=True)
class EpcHabits:
    figures: Mapping[str, float]
    rats: Mapping[str, Mix]


@dataclass(frozen=True, slots=True)
class Behaviour:
    noise: Noise
    voip: VoipHabits
    sms: SmsHabits
    epc: EpcHabits


_VOIP = {
    "pdd_sigma": (0, 3),
    "ring.median_sec": (0.01, 300),
    "ring.sigma": (0, 3),
    "talk.median_sec": (0.1, 10_000),
    "talk.sigma": (0, 3),
    "talk.longest_sec": (1, 18_000),
    "same_sbc": (0, 1),
    "jitter_sigma": (0, 3),
    "loss_sigma": (0, 3),
    "packet_ms": (5, 100),
    "buffer_ms": (1, 1000),
    "answered.q850": (0, 127),
    "answered.sip": (0, 699),
}
_SMS = {
    "mobile_originated": (0, 1),
    "business": (0, 1),
    "delay.median_sec": (0.01, 3600),
    "delay.sigma": (0, 3),
    "retried.share": (0, 1),
    "retried.median_sec": (1, 86_400),
    "retried.sigma": (0, 3),
    "failed.share": (0, 1),
    "validity.short_share": (0, 1),
    "validity.short_sec": (1, 604_800),
    "validity.long_sec": (1, 604_800),
    "expired_error": (0, 255),
}
_EPC = {
    "longest_sec": (60, 21_600),  # at most a block, so that a day needs one block of the day before
    "partial_sec": (60, 21_600),
    "business": (0, 1),
    "session_sigma": (0, 3),
    "uplink_sigma": (0, 3),
}


def read_behaviour(path: Path = FOLDER / "behaviour.yml") -> Behaviour:
    """The checked habits. Raises DefinitionError that names file and key."""
    content, where = load(path), str(path)
    known(content, where, ["noise", "voip", "sms", "epc"])
    return Behaviour(
        _noise(content["noise"], f"{where}: noise"),
        _voip(content["voip"], f"{where}: voip"),
        _sms(content["sms"], f"{where}: sms"),
        _epc(content["epc"], f"{where}: epc"),
    )


def _noise(value: Any, where: str) -> Noise:
    row = {"slow": {"spread": 0.0, "memory_hours": 2.0}, **mapping(value, where)}
    figures = _figures(
        row, where, {"hourly": (0, 1), "daily": (0, 1), "slow.spread": (0, 1), "slow.memory_hours": (0.1, 24)}
    )
    return Noise(*figures.values())


def _figures(value: Any, where: str, table: Mapping[str, tuple[float, float]], *others: str) -> dict[str, float]:
    """The numbers of `table` (dotted keys) out of a nested mapping; `others` are keys read elsewhere."""
    row = dict(mapping(value, where))
    for other in others:
        _popped(row, other, where)
    figures = {key: number(_popped(row, key, where), f"{where}.{key}", low, high) for key, (low, high) in table.items()}
    left = {key: item for key, item in row.items() if item != {}}
    known(left, where, [], [key.split(".")[0] for key in (*table, *others)])
    for key, item in left.items():
        known(mapping(item, f"{where}.{key}"), f"{where}.{key}", [])
    return figures


def _popped(row: dict[str, Any], key: str, where: str) -> Any:
    """Takes a dotted key out of nested mappings (copied on the way down)."""
    head, _, rest = key.partition(".")
    if head not in row:
        raise DefinitionError(f"key {key!r} is missing", where=where)
    if not rest:
        return row.pop(head)
    row[head] = dict(mapping(row[head], f"{where}.{head}"))
    return _popped(row[head], rest, f"{where}.{head}")


def _voip(value: Any, where: str) -> VoipHabits:
    figures = _figures(value, where, _VOIP, "codecs", "unanswered", "failed")
    codecs = mapping(value["codecs"], f"{where}.codecs")
    for key, row in codecs.items():
        known(mapping(row, f"{where}.codecs.{key}"), f"{where}.codecs.{key}", ["share", "ie", "bpl"])
    return VoipHabits(
        figures,
        mix({key: row["share"] for key, row in codecs.items()}, f"{where}.codecs"),
        np.array([number(row["ie"], f"{where}.codecs.ie", 0, 94) for row in codecs.values()]),
        np.array([number(row["bpl"], f"{where}.codecs.bpl", 1, 100) for row in codecs.values()]),
        endings(value["unanswered"], f"{where}.unanswered"),
        endings(value["failed"], f"{where}.failed"),
    )


def _sms(value: Any, where: str) -> SmsHabits:
    figures = _figures(value, where, _SMS, "peer_types", "failed.error_codes")
    codes = {str(code): share for code, share in value["failed"]["error_codes"].items()}
    for code in codes:
        number(int(code) if code.isdigit() else code, f"{where}.failed.error_codes", 0, 255)
    peers = mix(value["peer_types"], f"{where}.peer_types")
    return SmsHabits(figures, peers, mix(codes, f"{where}.failed.error_codes"))


def _epc(value: Any, where: str) -> EpcHabits:
    figures = _figures(value, where, _EPC, "rats")
    rats = mapping(value["rats"], f"{where}.rats")
    return EpcHabits(figures, {key: mix(row, f"{where}.rats.{key}") for key, row in rats.items()})
