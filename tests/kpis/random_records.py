"""CDR documents at random, hostile on purpose: missing fields, values and times on edges, odd entity names, long sessions."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.clock import floor_to, iso
from contracts.indices import CDR_INDEX
from infrastructure.store import Operation, Store

Document = dict[str, Any]
# Names as networks really have them, and as nobody should: quotes, backslash, colon, separators, empty, other scripts.
NAMES = ("TG1", "TG2", "eu-trunk", 'a"b', "c\\d", "x:y", "p|q,r", " ", "Ω-станция", "service:voip", "'")


class Records:
    """A stream of documents from a seed, in [start, start + days)."""

    def __init__(self, seed: int, start: datetime, days: float, ingested: datetime) -> None:
        self.random, self.start, self.days, self.ingested = random.Random(seed), start, days, ingested

    def moment(self) -> datetime:
        """Any millisecond; one in ten on a bucket's edge."""
        moment = self.start + timedelta(milliseconds=int(self.random.random() * self.days * 86_400_000))
        return floor_to(moment, 300) if self.random.random() < 0.1 else moment

    def length(self) -> timedelta:
        """Seconds to days; sometimes nothing, sometimes up to a bucket's edge exactly."""
        kind = self.random.random()
        seconds = (
            0 if kind < 0.05 else self.random.expovariate(1 / 200) if kind < 0.8 else self.random.expovariate(1 / 20000)
        )
        return timedelta(milliseconds=int(seconds * 1000))

    def maybe(self, make: Callable[[], Any], share: float = 0.85) -> Any:
        """A value, or None for one that is absent."""
        return make() if self.random.random() < share else None

    def delay(self, edge: float) -> float:
        """A delay; often on an edge of a bin or 0."""
        return self.random.choice(
            (
                0.0,
                edge,
                edge / 2,
                edge * 2,
                edge / 2**20,
                self.random.lognormvariate(3, 2),
                float(self.random.randint(1, 60)),
            )
        )

    def base(self, service: str, moment: datetime) -> Document:
        return {"@timestamp": iso(moment), "event": {"ingested": iso(self.ingested)}, "service": {"name": service}}

    def voip(self) -> Document:
        end = self.moment()
        document = self.base("voip", end)
        document["event"] |= {"end": iso(end), "start": iso(end - self.length())}
        pick = self.random.choice
        disposition = self.maybe(lambda: pick(("answered", "answered", "answered", "ringing", "call-attempt")), 0.97)
        call: Document = {
            "disposition": disposition,
            "answer": self.maybe(lambda: iso(end - self.length())),
            "duration": {"sec": self.maybe(lambda: self.random.expovariate(1 / 100))},
            "pdd": {"ms": self.maybe(lambda: self.delay(1000.0))},
            "release": {
                "q850": self.maybe(lambda: pick((0, 1, 16, 17, 18, 21, 28, 31, 34, 102, 127))),
                "sip": self.maybe(lambda: pick((0, 200, 404, 480, 486, 487, 500, 503, 603))),
            },
            "trunk_group": {
                "originating": self.maybe(lambda: pick(NAMES)),
                "terminating": self.maybe(lambda: pick(NAMES)),
            },
            "ingress": {"sbc": self.maybe(lambda: pick(("lon", "fra", "a:b")))},
            "egress": {"sbc": self.maybe(lambda: pick(("lon", "fra", "a:b")))},
        }
        for side in ("calling", "called"):
            expected = self.maybe(lambda: self.random.randint(0, 5000), 0.6)
            call[side] = {
                "jitter": {"ms": self.maybe(lambda: self.delay(30.0))},
                "packets": {"expected": expected, "lost": self.maybe(lambda: self.random.randint(0, 60))},
                "mos": self.maybe(lambda: pick((0.0, 1.0, 2.79, 4.4, 0.99))),
                "r_factor": self.maybe(lambda: pick((0.0, 93.2, 54.18))),
            }
        return document | {"voip": call}

    def mobile_voice(self) -> Document:
        end = self.moment()
        document = self.base("mobile-voice", end)
        document["event"] |= {"end": iso(end), "start": self.maybe(lambda: iso(end - self.length()))}
        return document | {
            "mobile": {"call_type": self.random.choice(("MOC", "MTC")), "duration": {"sec": self.maybe(lambda: 61.5)}},
            "subscriber": {"plan": self.maybe(lambda: self.random.choice(("PLAN1", "PLAN2")))},
        }

    def sms(self) -> Document:
        document = self.base("sms", self.moment())
        result = self.maybe(lambda: self.random.choice(("delivered", "delivered", "failed", "expired", "pending")))
        return document | {
            "mobile": {"call_type": self.random.choice(("SMS-MO", "SMS-MO", "SMS-MT"))},
            "subscriber": {"plan": self.maybe(lambda: self.random.choice(("PLAN1", "PLAN2")))},
            "sms": {
                "smsc": self.maybe(lambda: self.random.choice(("smsc-1", "smsc-2"))),
                "result": result,
                "delay": {
                    "sec": self.maybe(lambda: self.random.choice((-1.5, 0.0, 30.0, 300.0, 300.001, 7.25, 4000.0)))
                },
            },
        }

    def epc(self) -> Document:
        end = self.moment()
        document = self.base("epc", end)
        document["event"] |= {"end": iso(end), "start": iso(end - self.length())}
        if self.random.random() < 0.02:  # an end before the start, a clock that was never set: laid nowhere
            document["event"]["start"] = iso(
                self.random.choice((end + timedelta(seconds=1), datetime(1970, 1, 1, tzinfo=UTC)))
            )
        return document | {
            "epc": {
                "apn": self.maybe(lambda: self.random.choice(("internet", "ims"))),
                "rat": self.maybe(lambda: self.random.choice(("EUTRAN", "NR"))),
                "pgw": {"address": "10.0.0.1"},
                "final": self.maybe(lambda: self.random.random() < 0.7),
                "cause_for_closing": self.random.choice(("normal_release", "abnormal_release", "volume_limit")),
                "total": {
                    "bytes": self.maybe(
                        lambda: self.random.choice((0, 1, 7, 123_456_789, self.random.getrandbits(34), 2**62))
                    )
                },
            }
        }

    def many(self, service: str, number: int) -> list[Document]:
        make = {"voip": self.voip, "mobile-voice": self.mobile_voice, "sms": self.sms, "epc": self.epc}[service]
        return [pruned(make()) for _ in range(number)]


def pruned(document: Document) -> Document:
    """Absent values are absent keys."""
    return {
        key: pruned(value) if isinstance(value, dict) else value
        for key, value in document.items()
        if value is not None and value != {} and (not isinstance(value, dict) or pruned(value))
    }


def put(store: Store, service: str, documents: Sequence[Document], first: int = 0) -> None:
    """Writes CDRs straight into the store; ids count from `first`."""
    index = CDR_INDEX[service]
    store.write_all(
        Operation(
            "create",
            store.place(index, datetime.fromisoformat(document["@timestamp"])),
            f"{service}-{number}",
            document,
        )
        for number, document in enumerate(documents, first)
    )
