"""What happens to the sound of calls: packets come unevenly or not at all, or are coded worse."""

from __future__ import annotations

import numpy as np

from contracts.errors import DefinitionError
from datagen.definitions import nearest
from datagen.mechanisms.strike import Strike, append, copies
from datagen.model import Draft
from datagen.streams import lognormal
from datagen.table import Flags, Ints

_LEGS = (("calling", "ingress"), ("called", "egress"))
_SHORTEST_MS = 500
_MUTE_LOSS = 0.998  # a few packets pass before the path is closed
_REDIALS = 3  # people give up after that many
_BREATH_SEC = (2, 20)  # between hanging up and dialling again


def disturb_media(draft: Draft, at: Strike) -> None:
    """Legs at the SBC get more jitter and loss; their calls are shorter."""
    incident = at.incident
    level = np.where(draft["talk"] > 0, incident.level(draft["start"]), 0.0)
    touched = np.zeros(level.size, bool)
    for side, sbc in _LEGS:
        here = (draft[sbc] == incident.index) & (level > 0)
        draft[f"{side}_jitter"] = np.where(
            here, draft[f"{side}_jitter"] * (1 + (incident.strength - 1) * level), draft[f"{side}_jitter"]
        )
        extra = at.figure("loss") * level * at.rng.gamma(4, 0.25, level.size)
        draft[f"{side}_loss"] = np.where(here, np.minimum(1, draft[f"{side}_loss"] + extra), draft[f"{side}_loss"])
        touched |= here
    shorter = np.maximum(_SHORTEST_MS, draft["talk"] * (1 - at.figure("shorter") * level)).astype(np.int64)
    draft["talk"] = np.where(touched, np.minimum(draft["talk"], shorter), draft["talk"])
    draft["hit"][touched] = at.position


def change_codec(draft: Draft, at: Strike) -> None:
    """Answered calls of the trunk group fall back to another codec; its impairment Ie (G.113) makes them sound worse."""
    incident, wanted = at.incident, at.incident.type.words["codec"]
    codecs = at.model.behaviour.voip.codecs.words
    if wanted not in codecs:
        what = f"codec {wanted!r} is not one of the generator's {', '.join(codecs)}{nearest(wanted, codecs)}"
        raise DefinitionError(what, where=f"incident type {incident.type.name}")
    here = (draft["trunk"] == incident.index) & (draft["talk"] > 0)
    chance = np.where(here, incident.strength * incident.level(draft["start"]), 0.0)
    touched = (at.rng.random(chance.size) < chance) & (draft["codec"] != codecs.index(wanted))
    draft["codec"] = np.where(touched, codecs.index(wanted), draft["codec"])
    draft["hit"][touched] = at.position


def mute_leg(draft: Draft, at: Strike) -> None:
    """One side of calls through the SBC hears nothing: they hang up within seconds, and most dial again."""
    mute = _muted(draft, at)
    usual = _hang_up(draft, mute, at)
    draft["hit"][mute] = at.position
    tried, rows = draft, np.flatnonzero(mute)
    for _ in range(_REDIALS):
        rows = rows[at.rng.random(rows.size) < at.figure("redial")]
        again = copies(tried, rows) | copies(usual, rows)
        ended = tried["start"] + tried["pdd"] + tried["wait"] + tried["talk"]
        breath = 1000 * at.rng.uniform(*_BREATH_SEC, rows.size)
        again["start"] = ended[rows] + breath.astype(np.int64)
        mute = _muted(again, at)
        usual = _hang_up(again, mute, at)
        append(draft, again, at)
        tried, rows = again, np.flatnonzero(mute)


def _muted(draft: Draft, at: Strike) -> Flags:
    """Which answered calls that pass the SBC lose the sound of one side."""
    incident = at.incident
    here = (draft["ingress"] == incident.index) | (draft["egress"] == incident.index)
    chance = np.where(here & (draft["talk"] > 0), incident.strength * incident.level(draft["start"]), 0.0)
    muted: Flags = at.rng.random(chance.size) < chance
    return muted


def _hang_up(draft: Draft, mute: Flags, at: Strike) -> Draft:
    """The leg at the SBC receives next to nothing; of a call with both legs there it is the caller's.

    Returns talk and loss as they would have been.
    """
    usual = {key: draft[key].copy() for key in ("talk", "calling_loss", "called_loss")}
    calling = mute & (draft["ingress"] == at.incident.index)
    for side, rows in (("calling", calling), ("called", mute & ~calling)):
        draft[f"{side}_loss"] = np.where(rows, _MUTE_LOSS, draft[f"{side}_loss"])
    talk: Ints = (1000 * lognormal(at.rng, at.figure("talk_sec"), 0.5, mute.size)).astype(np.int64)
    draft["talk"] = np.where(mute, np.minimum(np.maximum(talk, _SHORTEST_MS), draft["talk"]), draft["talk"])
    return usual
