"""What happens to the setting up of calls: they fail, they take long, or far too many come at once."""

from __future__ import annotations

import numpy as np

from datagen.behaviour import DISPOSITIONS, Endings
from datagen.mechanisms.strike import Strike, append, copies
from datagen.model import Draft, foreign_number
from datagen.streams import lognormal, pick
from datagen.table import Ints

_LONGEST_PDD_MS = 60_000
_ANSWERED, _ATTEMPT = DISPOSITIONS.index("answered"), DISPOSITIONS.index("call-attempt")
_NORMAL_CLEARING, _REQUEST_TERMINATED = 16, 487  # Q.850 and SIP (RFC 3261 21.4.25) of a caller who gives up
_SPREAD_MS = 300_000  # an extra caller rings within this time after the usual one whom it is drawn from


def fail_calls(draft: Draft, at: Strike) -> None:
    """New calls that would leave on the trunk group end at once, unanswered, with the causes of the type."""
    incident, failures = at.incident, at.incident.type.failures
    assert failures is not None, "checked when the library was read"  # noqa: S101
    chance = np.where(draft["trunk"] == incident.index, incident.strength * incident.level(draft["start"]), 0.0)
    rows = np.flatnonzero(at.rng.random(chance.size) < chance)
    end_unanswered(draft, rows, failures, at)
    draft["hit"][rows] = at.position


def end_unanswered(draft: Draft, rows: Ints, failures: Endings, at: Strike) -> None:
    """The dialler hears of it when the failure comes back: no ringing, no talk."""
    way = failures.draw(at.rng, rows.size)
    draft["disposition"][rows] = failures.disposition[way]
    draft["q850"][rows] = failures.q850[way]
    draft["sip"][rows] = failures.sip[way]
    wait = 1000 * lognormal(at.rng, failures.median_sec[way], failures.sigma[way], rows.size)
    draft["pdd"][rows] = np.maximum(1, wait).astype(np.int64)
    draft["wait"][rows] = 0
    draft["talk"][rows] = 0


def delay_setup(draft: Draft, at: Strike) -> None:
    """Signalling of the trunk group is slow: calls take longer to ring; who loses patience first, hangs up before."""
    incident = at.incident
    level = np.where(draft["trunk"] == incident.index, incident.level(draft["start"]), 0.0)
    slow = np.minimum(_LONGEST_PDD_MS, draft["pdd"] * (1 + (incident.strength - 1) * level)).astype(np.int64)
    touched = slow > draft["pdd"]
    patience = (1000 * lognormal(at.rng, at.figure("patience_sec"), 0.5, level.size)).astype(np.int64)
    gives_up = touched & (slow > patience) & (draft["pdd"] <= patience)
    draft["pdd"] = np.where(gives_up, patience, np.where(touched, slow, draft["pdd"]))
    draft["disposition"][gives_up] = _ATTEMPT
    draft["q850"][gives_up] = _NORMAL_CLEARING
    draft["sip"][gives_up] = _REQUEST_TERMINATED
    draft["wait"][gives_up] = 0
    draft["talk"][gives_up] = 0
    draft["hit"][touched] = at.position


def crowd_calls(draft: Draft, at: Strike) -> None:
    """Many times the usual calls on the trunk group, all to one number: most find it busy, or the circuits."""
    incident, failures = at.incident, at.incident.type.failures
    assert failures is not None, "checked when the library was read"  # noqa: S101
    level = np.where(draft["trunk"] == incident.index, incident.level(draft["start"]), 0.0)
    rows = np.repeat(np.arange(level.size), at.rng.poisson((incident.strength - 1) * level))
    more = copies(draft, rows)
    later = (_SPREAD_MS * at.rng.random(rows.size)).astype(np.int64)
    more["start"] = np.minimum(more["start"] + later, incident.end - 1)
    _callers(more, at)
    more["called_number"] = np.full(rows.size, called_by_all(at))
    _fates(more, failures, at)
    append(draft, more, at)


def _callers(more: Draft, at: Strike) -> None:
    """Anybody, not those who call much: our consumers, and people elsewhere where the usual call came from there."""
    size, customers = more["start"].size, at.model.customers
    foreign = np.isin(more["access"], access_of(at, "foreign"))
    ours = customers.consumer_at(at.rng.integers(0, customers.consumers, size))
    mine, theirs = customers.number(ours, customers.some_line(at.rng, ours)), foreign_number(at.model, at.rng, size)
    more["customer"] = ours
    more["access"] = np.where(foreign, more["access"], some_of(at, access_of(at, "consumer"), size))
    more["calling_number"] = np.where(foreign, theirs, mine)


def called_by_all(at: Strike) -> int:
    """The number that everybody calls: a business on the trunk group, the same in every block."""
    who, customers = at.fixed("called"), at.model.customers
    n = customers.some_business_on(who, np.array([at.incident.index]))
    return int(customers.number(n, customers.some_line(who, n))[0])


def _fates(more: Draft, failures: Endings, at: Strike) -> None:
    size = more["start"].size
    answered = at.rng.random(size) < at.figure("answered")
    more["disposition"] = np.full(size, _ANSWERED)
    more["q850"] = np.full(size, _NORMAL_CLEARING)
    more["sip"] = np.full(size, 200)
    talk = lognormal(at.rng, at.figure("talk_sec"), 0.6, size)
    more["talk"] = (1000 * np.clip(talk, 0.5, 3600)).astype(np.int64)
    end_unanswered(more, np.flatnonzero(~answered), failures, at)


def access_of(at: Strike, callers: str) -> Ints:
    """Groups that calls of these callers (business, consumer, foreign) come in on; all groups where there is none."""
    groups = at.model.network.voip.access
    found = [index for index, group in enumerate(groups) if group.callers == callers]
    return np.array(found or range(len(groups)), np.int64)


def some_of(at: Strike, choices: Ints, size: int) -> Ints:
    return choices[pick(at.rng, np.ones(choices.size), size)]
