"""What happens to messages in their centre: they wait, or they are lost."""

from __future__ import annotations

import numpy as np

from datagen.mechanisms.strike import Strike
from datagen.model import Draft
from datagen.streams import lognormal


def delay_messages(draft: Draft, at: Strike) -> None:
    """Messages of the SMS centre wait in its queue, but those that go first; which expire there follows from their validity."""
    incident = at.incident
    queued = (draft["smsc"] == incident.index) & (at.rng.random(draft["smsc"].size) >= at.figure("priority"))
    level = np.where(queued, incident.level(draft["start"]), 0.0)
    wait = 1000 * incident.strength * level * lognormal(at.rng, 1.0, at.figure("sigma"), level.size)
    late = wait >= 1
    draft["delay"] = np.where(late, draft["delay"] + wait.astype(np.int64), draft["delay"])
    in_queue = late & (wait >= draft["validity"])
    draft["expired_error"] = np.where(in_queue, int(at.figure("expired_error")), draft["expired_error"])
    draft["hit"][late] = at.position


def lose_messages(draft: Draft, at: Strike) -> None:
    """The store of the SMS centre fails: of the messages that it loses, a part is refused at submit; the rest it had
    accepted, and they end undelivered when the loss is found."""
    incident = at.incident
    here = draft["smsc"] == incident.index
    chance = np.where(here, incident.strength * incident.level(draft["start"]), 0.0)
    lost = at.rng.random(chance.size) < chance
    refused = at.rng.random(chance.size) < at.figure("refused")
    error = np.where(refused, int(at.figure("refused_error")), int(at.figure("lost_error")))
    draft["failed"] = draft["failed"] | lost
    draft["error"] = np.where(lost, error, draft["error"])
    draft["delay"] = np.where(lost, np.minimum(draft["delay"], draft["validity"]).astype(np.int64), draft["delay"])
    draft["hit"][lost] = at.position
