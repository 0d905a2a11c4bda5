"""How an incident changes records: each mechanism works on the cause, and the figures follow from it.

A mechanism changes only records that the incident touches, draws from a stream of its own (so that every other record
stays the same byte for byte), and marks what it changed in `hit` with the incident's position, counted from 1. Records
that it adds stand behind the block's own, begin in the block and end at the latest in the next (`Strike.last_end`).

The tables below say at which point of a block a mechanism is at work: VOIP and SMS on finished drafts, SESSIONS before
sessions are cut into records, RECORDS after.
"""

from collections.abc import Mapping

from datagen.mechanisms.calls import crowd_calls, delay_setup, fail_calls
from datagen.mechanisms.clocks import skew_clock
from datagen.mechanisms.fraud import bypass_carrier, pump_calls, ring_once
from datagen.mechanisms.media import change_codec, disturb_media, mute_leg
from datagen.mechanisms.messages import delay_messages, lose_messages
from datagen.mechanisms.sessions import cut_sessions, restart_gateway, slow_records
from datagen.mechanisms.strike import Mechanism, Strike, strike

VOIP: Mapping[str, Mechanism] = {
    "fail_calls": fail_calls,
    "delay_setup": delay_setup,
    "crowd_calls": crowd_calls,
    "disturb_media": disturb_media,
    "mute_leg": mute_leg,
    "change_codec": change_codec,
    "ring_once": ring_once,
    "pump_calls": pump_calls,
    "bypass_carrier": bypass_carrier,
    "skew_clock": skew_clock,
}
SMS: Mapping[str, Mechanism] = {
    "delay_messages": delay_messages,
    "lose_messages": lose_messages,
    "skew_clock": skew_clock,
}
SESSIONS: Mapping[str, Mechanism] = {"squeeze_sessions": cut_sessions, "restart_gateway": restart_gateway}
RECORDS: Mapping[str, Mechanism] = {"squeeze_sessions": slow_records, "skew_clock": skew_clock}

__all__ = ["RECORDS", "SESSIONS", "SMS", "VOIP", "Mechanism", "Strike", "strike"]
