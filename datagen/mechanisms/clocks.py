"""A clock that is wrong: records say another time than the one at which they were written."""

from __future__ import annotations

import numpy as np

from datagen.mechanisms.strike import Strike
from datagen.model import Draft

_WRITER = {"sbc": "ingress", "smsc": "smsc", "pgw": "pgw"}  # a call's record is written where the call comes in


def skew_clock(draft: Draft, at: Strike) -> None:
    """Times in the records that the place writes are wrong by strength seconds; they are delivered when they always were."""
    incident = at.incident
    draft.setdefault("skew", np.zeros(draft["start"].size, np.int64))
    level = np.where(draft[_WRITER[incident.place.type]] == incident.index, incident.level(draft["start"]), 0.0)
    wrong = np.rint(1000 * incident.strength * level).astype(np.int64)
    draft["skew"] = draft["skew"] + wrong
    draft["hit"][wrong != 0] = at.position
