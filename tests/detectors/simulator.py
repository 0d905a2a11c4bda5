"""A small network in numpy: hour-of-week profile × entities × incidents → long frames of 5-minute KPI points.

Deliberately not the product's generator: day and hour levels wander, ratios are over-dispersed, qualities are skewed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from contracts.settings import read
from detectors.adapter import judged_kpis
from kpis.catalogue import load

STEP_MS = 300_000
START = datetime(2026, 10, 5, tzinfo=UTC)  # a Monday
KPIS = {kpi.id: kpi for kpi in judged_kpis(load(read({})))}


@dataclass(frozen=True)
class Incident:
    type: str
    service: str
    entity: str
    start: datetime
    end: datetime
    strength: float

    def truth(self) -> dict[str, object]:
        from contracts.clock import iso

        return {
            "id": f"{self.type}-{self.start:%m%dT%H}",
            "type": self.type,
            "service": self.service,
            "entities": [self.entity],
            "start": iso(self.start),
            "end": iso(self.end),
            "kpis": [],
            "strength": self.strength,
            "description": self.type,
        }


class Network:
    """Points of `days` days from START. `scale` multiplies the traffic; `incidents` bend it."""

    def __init__(self, seed: int, days: int = 28, scale: float = 1.0, incidents: tuple[Incident, ...] = ()) -> None:
        self.rng = np.random.default_rng(seed)
        self.days, self.scale, self.incidents = days, scale, incidents
        self.buckets = days * 288
        self.starts = np.int64(START.timestamp() * 1000) + STEP_MS * np.arange(self.buckets)
        self.hours = np.arange(self.buckets) / 12

    def frame(self) -> pd.DataFrame:
        return pd.concat([self._voip(), self._sms(), self._epc()], ignore_index=True)

    def _profile(self, per_day: float) -> np.ndarray:
        hour = self.hours % 24
        day = (self.hours // 24).astype(int)
        shape = 0.08 + np.exp(-(((hour - 11.5) / 3.2) ** 2)) + 0.8 * np.exp(-(((hour - 18) / 2.6) ** 2))
        weekly = np.array([1.0, 1.05, 1.02, 1.03, 1.08, 0.7, 0.55])[day % 7]
        rate = shape * weekly
        return per_day * self.scale * rate / rate[: 288 * min(7, self.days)].sum() * min(7, self.days)

    def _noise(self, per_day: float = 0.05, per_hour: float = 0.05) -> np.ndarray:
        day = np.repeat(self.rng.normal(0, per_day, self.days), 288)
        white = self.rng.normal(0, 1, self.buckets)
        wander = np.empty(self.buckets)
        level, keep = 0.0, np.exp(-1 / 12)
        for index in range(self.buckets):
            level = keep * level + np.sqrt(1 - keep**2) * white[index]
            wander[index] = level
        return np.exp(day + per_hour * wander)

    def _during(self, kind: str, *entities: str) -> np.ndarray:
        """Strength of the incident of `kind` on any of the entities, per bucket."""
        strength = np.zeros(self.buckets)
        for one in self.incidents:
            if one.type == kind and one.entity in entities:
                inside = (self.starts >= one.start.timestamp() * 1000) & (self.starts < one.end.timestamp() * 1000)
                strength[inside] = one.strength
        return strength

    def _voip(self) -> pd.DataFrame:
        rng, common = self.rng, self._noise()
        cells: dict[tuple[str, str], dict[str, np.ndarray]] = {}
        for trunk, share in (("TG1", 0.4), ("TG2", 0.25), ("TG3", 0.2), ("TG4", 0.15)):
            own = self._noise(0.03, 0.03)
            for sbc, part in (("lon-sbc", 0.6), ("fra-sbc", 0.4)):
                names = (f"trunk_group:{trunk}", f"sbc:{sbc}", "service:voip")
                vanish = self._during("trunk_vanish", *names)
                calls = rng.poisson(self._profile(9000 * share * part) * common * own * (1 - vanish))
                fail = np.maximum(self._during("trunk_outage", *names), self._during("blocking", *names))
                wobble = rng.normal(0, 0.08, self.buckets)
                effective = 0.975 * (1 - fail)
                answered_share = np.clip(0.71 + 0.08 * wobble, 0.05, 0.95)
                network_ok = rng.binomial(calls, np.clip(effective + 0.02 * wobble, 0, 1))
                answered = rng.binomial(network_ok, answered_share)
                storm = self._during("jitter_storm", *names)
                good = rng.binomial(
                    answered, np.clip(rng.beta(0.985 * 300, 0.015 * 300, self.buckets) * (1 - storm), 0, 1)
                )
                expected = answered * 9000
                lost = np.where(answered > 0, rng.gamma(np.maximum(answered, 1) * 0.8, 9000 * 0.0015 / 0.8), 0) * (
                    1 + 6 * storm
                )
                mos = answered * 4.1 + rng.normal(0, 0.35, self.buckets) * np.sqrt(answered) - answered * 0.8 * storm
                seconds = np.where(answered > 0, rng.gamma(np.maximum(answered, 1) * 0.7, 140 / 0.7), 0)
                cells[trunk, sbc] = {
                    "calls": calls, "answered": answered, "ok": network_ok, "good": good, "lost": lost,
                    "expected": expected, "mos": mos, "seconds": seconds,
                }  # fmt: skip
        dead = self._during("silent_feed", "service:voip") > 0
        groups = {"service:voip": list(cells)}
        for trunk, sbc in cells:
            groups.setdefault(f"trunk_group:{trunk}", []).append((trunk, sbc))
            groups.setdefault(f"sbc:{sbc}", []).append((trunk, sbc))
        frames = []
        for entity, members in groups.items():
            total = {name: sum(cells[one][name] for one in members) for name in cells["TG1", "lon-sbc"]}
            calls, answered = total["calls"], total["answered"]
            pdd = 2400 * np.exp(rng.normal(0, 1, self.buckets) * np.sqrt(0.003 + 0.6 / np.maximum(calls, 1)))
            frames += [
                self._count("voip.attempts", entity, calls, dead),
                self._ratio("voip.asr", entity, answered, calls, calls, dead),
                self._ratio("voip.ner", entity, total["ok"], calls, calls, dead),
                self._ratio("voip.jitter_within_target", entity, total["good"], answered, answered, dead),
                self._ratio("voip.packet_loss", entity, total["lost"], total["expected"], answered, dead),
                self._ratio("voip.mos", entity, total["mos"], answered, answered, dead),
                self._ratio("voip.pdd_p95", entity, pdd * calls, calls, calls, dead),
                self._points(
                    "voip.carried_erlang", entity, total["seconds"] / 300, total["seconds"], np.full(self.buckets, 300.0),
                    answered, dead,
                ),
            ]  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    def _sms(self) -> pd.DataFrame:
        rng, common, frames = self.rng, self._noise(), []
        cells = {}
        for plan, share in (("PLAN1", 0.5), ("PLAN2", 0.3), ("PLAN3", 0.2)):
            for smsc, part in (("smsc-1", 0.55), ("smsc-2", 0.45)):
                names = (f"plan:{plan}", f"smsc:{smsc}", "service:sms")
                sent = rng.poisson(self._profile(6000 * share * part) * common)
                backlog = self._during("sms_backlog", *names)
                cells[plan, smsc] = (
                    sent,
                    rng.binomial(sent, rng.beta(0.97 * 200, 0.03 * 200, self.buckets) * (1 - backlog)),
                )
        dead = self._during("silent_feed", "service:sms") > 0
        groups = {"service:sms": list(cells)}
        for plan, smsc in cells:
            groups.setdefault(f"plan:{plan}", []).append((plan, smsc))
            groups.setdefault(f"smsc:{smsc}", []).append((plan, smsc))
        for entity, members in groups.items():
            sent, arrived = (sum(cells[one][part] for one in members) for part in (0, 1))
            frames += [
                self._count("sms.volume", entity, sent, dead),
                self._ratio("sms.delivery_ratio", entity, arrived, sent, sent, dead),
            ]
        return pd.concat(frames, ignore_index=True)

    def _epc(self) -> pd.DataFrame:
        rng, common, frames = self.rng, self._noise(), []
        cells = {}
        for apn, share in (("internet", 0.6), ("ims", 0.2), ("iot", 0.12), ("corp", 0.08)):
            names = (f"apn:{apn}", "service:epc")
            jam = self._during("apn_congestion", *names)
            sessions = rng.poisson(self._profile(4000 * share) * common * (1 - 0.3 * jam))
            abnormal = rng.binomial(sessions, np.clip(0.02 + jam * 0.4, 0, 1))
            size = np.where(sessions > 0, rng.gamma(np.maximum(sessions, 1) * 0.5, 4e7), 0) * (1 - 0.6 * jam)
            cells[apn] = (sessions, abnormal, size)
        dead = self._during("silent_feed", "service:epc") > 0
        groups = {"service:epc": list(cells), **{f"apn:{apn}": [apn] for apn in cells}}
        for entity, members in groups.items():
            sessions, abnormal, size = (sum(cells[one][part] for one in members) for part in (0, 1, 2))
            frames += [
                self._count("epc.sessions", entity, sessions, dead),
                self._ratio("epc.abnormal_release_ratio", entity, abnormal, sessions, sessions, dead),
                self._points("epc.volume", entity, size, size, None, sessions, dead),
            ]
        return pd.concat(frames, ignore_index=True)

    def _count(self, kpi: str, entity: str, count: np.ndarray, dead: np.ndarray) -> pd.DataFrame:
        return self._points(kpi, entity, count.astype(float), None, None, count, dead)

    def _ratio(
        self, kpi: str, entity: str, part: np.ndarray, whole: np.ndarray, samples: np.ndarray, dead: np.ndarray
    ) -> pd.DataFrame:
        value = np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
        return self._points(kpi, entity, value, part, whole, samples, dead)

    def _points(self, kpi, entity, value, numerator, denominator, samples, dead) -> pd.DataFrame:  # type: ignore[no-untyped-def]
        kind, name = entity.split(":")
        nothing = np.full(self.buckets, np.nan)
        state = np.where(dead, "no_data", np.where(np.isfinite(value), "ok", "insufficient_data"))
        return pd.DataFrame(
            {
                "kpi": kpi, "service": kpi.split(".")[0], "entity_type": kind, "entity_id": name, "bucket": self.starts,
                "value": value, "numerator": nothing if numerator is None else np.asarray(numerator, dtype=float),
                "denominator": nothing if denominator is None else np.asarray(denominator, dtype=float),
                "samples": np.asarray(samples, dtype=float), "state": state,
            }
        )  # fmt: skip


def at(day: int, hour: float) -> datetime:
    return START + timedelta(days=day, hours=hour)


def library(seed: int, first_day: int = 21, strength: float = 1.0) -> tuple[Incident, ...]:
    """One incident of every kind in the week from `first_day`, at hours that `seed` chooses, none total."""
    rng = np.random.default_rng(10_000 + seed)
    plan = (
        ("trunk_outage", "voip", f"trunk_group:TG{rng.integers(1, 5)}", 0.7),
        ("trunk_vanish", "voip", f"trunk_group:TG{rng.integers(1, 5)}", 0.8),
        ("blocking", "voip", f"trunk_group:TG{rng.integers(1, 5)}", 0.3),
        ("jitter_storm", "voip", f"sbc:{rng.choice(['lon-sbc', 'fra-sbc'])}", 0.35),
        ("sms_backlog", "sms", f"smsc:smsc-{rng.integers(1, 3)}", 0.5),
        ("apn_congestion", "epc", f"apn:{rng.choice(['internet', 'ims', 'iot'])}", 0.6),
        ("silent_feed", str(rng.choice(["voip", "sms", "epc"])), "", 1.0),
    )
    days = rng.permutation(7)
    found = []
    for (kind, service, entity, usual), day in zip(plan, days, strict=True):
        start = at(first_day + int(day), float(rng.integers(9 * 12, 17 * 12)) / 12)
        length = timedelta(minutes=5 * int(rng.integers(18, 48)))
        found.append(
            Incident(kind, service, entity or f"service:{service}", start, start + length, min(usual * strength, 1))
        )
    return tuple(found)
