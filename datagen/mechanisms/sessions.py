"""What happens to data sessions: they are squeezed, cut off, or all end at once and come back together."""

from __future__ import annotations

import numpy as np

from datagen.mechanisms.strike import Strike, append, copies
from datagen.model import Draft
from datagen.table import Flags, Ints

_SHORTEST_MS = 1000


def cut_sessions(draft: Draft, at: Strike) -> None:
    """Sessions under way on the APN during the incident are released abnormally, each at a moment within it."""
    incident = at.incident
    first = np.maximum(draft["start"], incident.start)
    last = np.minimum(draft["start"] + draft["duration"], incident.end)
    under_way = (draft["apn"] == incident.index) & (first < last)
    moment = first + ((last - first) * at.rng.random(first.size)).astype(np.int64)
    chance = np.where(under_way, incident.strength * incident.level(moment), 0.0)
    cut = at.rng.random(first.size) < chance
    kept = np.where(cut, np.maximum(_SHORTEST_MS, moment - draft["start"]), draft["duration"])
    draft["duration"] = kept
    draft["abnormal"] |= cut
    draft["hit"][cut] = at.position


def slow_records(draft: Draft, at: Strike) -> None:
    """Records on the APN carry less for the time that they share with the incident."""
    incident = at.incident
    end = draft["start"] + draft["duration"]
    shared = np.minimum(end, incident.end) - np.maximum(draft["start"], incident.start)
    touched: Flags = (draft["apn"] == incident.index) & (shared > 0)
    middle: Ints = np.maximum(draft["start"], incident.start) + shared // 2
    lost = (1 - at.figure("throughput")) * incident.level(middle)
    factor = np.where(touched, 1 - lost * shared / draft["duration"], 1.0)
    draft["up"] = draft["up"] * factor
    draft["down"] = draft["down"] * factor
    draft["hit"][touched] = at.position


def restart_gateway(draft: Draft, at: Strike) -> None:
    """The P-GW goes down at the start and is back at the end. Its sessions end abnormally at once; they, and those that
    would have begun meanwhile, attach again in a burst when it is back, under new charging ids."""
    incident = at.incident
    end = draft["start"] + draft["duration"]
    chosen = at.rng.random(end.size) < incident.strength
    here = chosen & (draft["pgw"] == incident.index)
    under_way = here & (draft["start"] < incident.start) & (end > incident.start)
    meanwhile = here & (draft["start"] >= incident.start) & (draft["start"] < incident.end)
    back = incident.end + (1000 * at.rng.exponential(at.figure("return_sec"), end.size)).astype(np.int64)
    room = at.last_end - back
    rows = np.flatnonzero(under_way & (room >= _SHORTEST_MS))
    more = copies(draft, rows)
    more["start"] = back[rows]
    more["duration"] = np.clip(end[rows] - incident.start, _SHORTEST_MS, room[rows])
    more["made"] = np.full(rows.size, at.position)
    later = meanwhile & (room >= _SHORTEST_MS)
    draft["start"] = np.where(later, back, draft["start"])
    draft["duration"] = np.where(later, np.minimum(draft["duration"], room), draft["duration"])
    draft["made"] = np.where(later, at.position, draft["made"])
    kept = np.maximum(_SHORTEST_MS, incident.start - draft["start"])
    draft["duration"] = np.where(under_way, kept, draft["duration"])
    draft["abnormal"] |= under_way
    draft["hit"][under_way] = at.position
    append(draft, more, at)
