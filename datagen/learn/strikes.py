"""Incidents in learned traffic: what they strike is in the sample, and the records they make are of the sample's own form.

A call that fails becomes a call that failed in the sample, at its own place, with the causes of the incident. A leg that
is disturbed gets the figures, all together, of a leg of the sample that had as much jitter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np

from contracts.errors import DefinitionError
from datagen.incidents import Incident, read_scenario, read_types
from datagen.learn.columns import GONE, Kind, Number, Words
from datagen.learn.model import Codes, LearnedModel
from datagen.network import Network
from datagen.streams import Stream, Streams
from datagen.table import Flags, Floats, Ints

_POOL = 1 << 14  # records drawn to find those that are like what an incident makes
_DISPOSITION, _Q850, _SIP = "voip.disposition", "voip.release.q850", "voip.release.sip"
_TRUNK, _INGRESS, _EGRESS = "voip.trunk_group.terminating", "voip.ingress.sbc", "voip.egress.sbc"
_KEPT = (_TRUNK, "voip.trunk_group.originating", _INGRESS, _EGRESS)
_PLACES: Mapping[str, tuple[str, ...]] = {"trunk_group": (_TRUNK,), "sbc": (_INGRESS, _EGRESS)}
_LEGS = (("voip.calling.", _INGRESS), ("voip.called.", _EGRESS))
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "fail_calls": (_TRUNK, _DISPOSITION),
    "disturb_media": (_DISPOSITION, _INGRESS),
}


@dataclass(frozen=True)
class _Places:
    """The names in a sample, where a scenario looks for those of a network."""

    known: Mapping[str, tuple[str, ...]]
    zone: ZoneInfo

    def names(self, kind: str) -> tuple[str, ...]:
        return self.known.get(kind, ())


def placed(
    model: LearnedModel, source: Path | Sequence[Mapping[str, Any]], *, start: datetime, end: datetime
) -> tuple[Incident, ...]:
    """The incidents of a scenario (`datagen.incidents`) at places that the sample holds.

    Raises DefinitionError as `read_scenario`, and on an incident whose mechanism cannot be carried out in learned traffic.
    """
    zone = ZoneInfo(model.moments[0].zone if model.moments else "UTC")
    known = {kind: _names(model, fields) for kind, fields in _PLACES.items()}
    every = read_types()
    can = {name: kind for name, kind in every.items() if kind.mechanism in _NEEDED}
    network = cast(Network, _Places(known, zone))
    try:
        found = read_scenario(source, network, start=start, end=end, types=can)
    except DefinitionError as problem:
        for name in every.keys() - can.keys():
            if problem.what.startswith(f"{name!r} is not one of"):
                what = f"{name} cannot strike traffic that is learned from a sample"
                raise DefinitionError(
                    what, where=problem.where, remedy=f"one of {', '.join(can)}, or generate without --from"
                ) from problem
        raise
    for incident in found:
        _check(model, incident)
    return found


def _check(model: LearnedModel, incident: Incident) -> None:
    lacking = [field for field in _NEEDED[incident.type.mechanism] if _place_of(model, field) is None]
    if incident.type.mechanism == "disturb_media" and not any(_leg(model, leg) for leg, _ in _LEGS):
        lacking.append("voip.calling.jitter.ms")
    if lacking:
        raise DefinitionError(
            f"{incident.type.name} needs {', '.join(lacking)}, which the sample has not",
            where=f"incident {incident.id}",
        )


def _place_of(model: LearnedModel, field: str) -> int | None:
    for name, known in model.fields.items():
        if known == field and name in model.names:
            return model.names.index(name)
    return None


def _names(model: LearnedModel, fields: Sequence[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for field in fields:
        place = _place_of(model, field)
        kind = None if place is None else model.kinds[place]
        if isinstance(kind, Words):
            found |= dict.fromkeys(word for word in kind.words if word)
    return tuple(found)


# At work


def with_causes(model: LearnedModel, incidents: Sequence[Incident]) -> LearnedModel:
    """The model with the words that failures of the incidents need and the sample lacks."""
    kinds = list(model.kinds)
    for incident in incidents:
        failures = incident.type.failures
        if failures is None:
            continue
        for field, codes in ((_Q850, failures.q850), (_SIP, failures.sip)):
            place = _place_of(model, field)
            kind = None if place is None else kinds[place]
            if place is not None and isinstance(kind, Words):
                new = [word for word in dict.fromkeys(map(str, codes.tolist())) if word not in kind.words]
                kinds[place] = Words((*kind.words, *new))
    return replace(model, kinds=tuple(kinds))


@dataclass(frozen=True, slots=True)
class _At:
    model: LearnedModel
    incident: Incident
    rng: Stream
    level: Floats


def strike(
    model: LearnedModel, incidents: Sequence[Incident], codes: Codes, times: Ints, stream: Streams, part: Sequence[int]
) -> dict[int, int]:
    """Changes the records (`codes`, in place) that incidents touch; incident position from 1 → how many.

    `part`: names the records, so that an incident draws the same numbers for them whatever else is generated.
    """
    touched = {}
    for position, incident in enumerate(incidents, 1):
        level = incident.level(times)
        if level.any():
            rng = stream("learned", "incident", incident.id, *part)
            touched[position] = _WORK[incident.type.mechanism](codes, _At(model, incident, rng, level))
    return touched


def _word(model: LearnedModel, place: int, word: str) -> int:
    kind = model.kinds[place]
    return kind.words.index(word) if isinstance(kind, Words) and word in kind.words else -2


def _answered(model: LearnedModel, codes: Codes) -> Flags:
    place = _place_of(model, _DISPOSITION)
    assert place is not None  # noqa: S101  checked when the scenario was read
    answered = (
        _word(model, place, "answered") if _word(model, place, "answered") >= 0 else _word(model, place, "ANSWERED")
    )
    return np.asarray(codes[place] == answered)


def _fail(codes: Codes, at: _At) -> int:
    model, failures = at.model, at.incident.type.failures
    trunk = _place_of(model, _TRUNK)
    assert trunk is not None and failures is not None  # noqa: S101  checked when the scenario was read
    chance = np.where(codes[trunk] == _word(model, trunk, at.incident.place.id), at.incident.strength * at.level, 0.0)
    rows = np.flatnonzero(at.rng.random(chance.size) < chance)
    pool = model.codes(at.rng, _POOL)
    failed = np.flatnonzero(~_answered(model, pool))
    if not rows.size or not failed.size:
        return 0
    donors = failed[at.rng.integers(0, failed.size, rows.size)]
    kept = {place for place in (_place_of(model, field) for field in _KEPT) if place is not None}
    for place in range(len(model.kinds)):
        if place not in kept:
            codes[place, rows] = pool[place, donors]
    way = failures.draw(at.rng, rows.size)
    for field, causes in ((_Q850, failures.q850), (_SIP, failures.sip)):
        cause = _place_of(model, field)
        if cause is not None and isinstance(model.kinds[cause], Words):
            codes[cause, rows] = [_word(model, cause, str(each)) for each in causes[way].tolist()]
    return int(rows.size)


def _leg(model: LearnedModel, leg: str) -> list[int]:
    """Figures of a leg, its jitter first; empty where it has none."""
    jitter = _place_of(model, f"{leg}jitter.ms")
    if jitter is None or not isinstance(model.kinds[jitter], Number):
        return []
    others = (
        place for field in ("packets.lost", "r_factor", "mos") if (place := _place_of(model, leg + field)) is not None
    )
    return [jitter, *others]


def _disturb(codes: Codes, at: _At) -> int:
    model = at.model
    pool = model.codes(at.rng, _POOL)
    pool = pool[:, _answered(model, pool)]
    answered = _answered(model, codes) & (at.level > 0)
    touched = np.zeros(answered.size, bool)
    for leg, sbc in _LEGS:
        where, places = _place_of(model, sbc), _leg(model, leg)
        if where is None or not places:
            continue
        rows = np.flatnonzero(answered & (codes[where] == _word(model, where, at.incident.place.id)))
        touched[rows] |= _worse(codes, rows, places, pool, at)
    return int(touched.sum())


def _worse(codes: Codes, rows: Ints, places: Sequence[int], pool: Codes, at: _At) -> Flags:
    """Figures of a leg taken from records of the pool with as much more jitter; which rows that changed."""
    kind, jitter = at.model.kinds[places[0]], places[0]
    ranked = pool[:, np.argsort(pool[jitter], kind="stable")]
    ranked = ranked[:, ranked[jitter] != GONE]
    had = codes[jitter, rows]
    if not rows.size or not ranked.shape[1]:
        return np.zeros(rows.size, bool)
    factor = 1 + (at.incident.strength - 1) * at.level[rows]
    wanted = np.maximum(_value(kind, had), _unit(kind, ranked[jitter]) * at.rng.random(rows.size)) * factor
    place = np.searchsorted(_value(kind, ranked[jitter]), wanted)
    donors = np.clip(place + at.rng.integers(-2, 3, rows.size), 0, ranked.shape[1] - 1)
    worse = (had != GONE) & (ranked[jitter, donors] > had)
    for each in places:
        codes[each, rows[worse]] = ranked[each, donors[worse]]
    return np.asarray(worse)


def _value(kind: Kind, codes: Codes) -> Floats:
    assert isinstance(kind, Number)  # noqa: S101  `_leg` looked
    return np.asarray((kind.origin + codes * kind.step) / 10**kind.places, np.float64)


def _unit(kind: Kind, codes: Codes) -> float:
    """The median of jitter that is not zero: what a leg without any is taken to have hidden."""
    values = _value(kind, codes)
    return float(np.median(values[values > 0])) if np.any(values > 0) else 0.0


_WORK: Mapping[str, Callable[[Codes, _At], int]] = {"fail_calls": _fail, "disturb_media": _disturb}
