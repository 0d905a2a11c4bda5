"""A KPI definition of the catalogue as the detectors see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from contracts.indices import CDR_INDEX, CORRELATED_INDEX
from detectors.subject import Kpi, Model
from kpis.definitions import Definition
from kpis.tracking import Tracked

# Which KPIs fail together; by the last part of the id, since services share the words. Unnamed: by kind.
_FAMILIES = {
    "attempts": "traffic",
    "asr": "effectiveness",
    "ner": "effectiveness",
    "abr": "effectiveness",
    "acd": "quality",  # who hears nothing hangs up
    "pdd_p95": "delay",
    "delay_p95": "delay",
    "jitter_within_target": "quality",
    "jitter_p95": "quality",
    "packet_loss": "quality",
    "mos": "quality",
    "r_factor": "quality",
    "sim_box_share": "fraud",
    "wangiri_share": "fraud",
    "long_call_share": "fraud",
}
# Percentiles of few legs jump: shown to people, judged by the share over target beside them.
SHOWN_ONLY = frozenset({"voip.jitter_p95"})
_MODELS: dict[str, Model] = {
    "count": "count",
    "ratio": "ratio",
    "mean": "continuous",
    "percentile": "continuous",
    "integral": "continuous",
}
_RELATIVE_UNITS = frozenset({"ms", "s", "bytes", "E"})
# Indices whose records the catalogue's KPIs judge already, or that detection and alerting write: judged again, each incident
# would be told twice, and make the next one.
_TOLD = frozenset(
    {
        *CDR_INDEX.values(),
        *CORRELATED_INDEX.values(),
        *(
            "cdr-file",
            "cdr-gap",
            "cdr-reject",
            "anomaly",
            "incident",
            "service-state",
            "alert",
            "notification",
            "watch-run",
        ),
    }
)
_NOUNS = {"voip": "calls", "mobile-voice": "calls", "sms": "messages", "epc": "sessions"}


def kpi_of(definition: Definition) -> Kpi:
    """The definition's distribution, direction, target and weight."""
    model = _MODELS[definition.kind]
    family = _FAMILIES.get(
        definition.id.rpartition(".")[2], "traffic" if definition.kind in ("count", "integral") else "effectiveness"
    )
    noun = "legs" if family == "quality" else _NOUNS.get(definition.service, "samples")
    return Kpi(
        id=definition.id,
        alias=definition.alias,
        service=definition.service,
        unit=definition.unit,
        model=model,
        bad=definition.bad,
        family=family,
        logarithmic=model == "continuous" and definition.unit in _RELATIVE_UNITS,
        target=definition.target,
        target_is_least=definition.target_op != "<=",
        weight=definition.weight,
        noun=noun,
        mergeable=definition.kind != "percentile",
        version=definition.version,
        additive=definition.spread is not None and definition.spread.amount is not None,
        percentile=definition.percentile,
        edge=definition.edge,
        settle_sec=definition.settle_sec,
        finest_sec=definition.finest_sec,
        missing_at="" if definition.numbers is None else definition.numbers.missing_at,
        clump=1.0 if definition.numbers is None else float(definition.numbers.least),
    )


def judged_kpis(catalogue: Mapping[str, Definition] | Iterable[Definition]) -> list[Kpi]:
    """KPIs that are judged, in the catalogue's order."""
    rows = catalogue.values() if isinstance(catalogue, Mapping) else catalogue
    return [kpi_of(one) for one in rows if one.id not in SHOWN_ONLY]


def tracked_kpis(tracked: Iterable[Tracked]) -> list[Kpi]:
    """KPIs of the registry that are judged, in its order: the catalogue's with what is laid over them, and those that people,
    collectors and the desk keep. Not: shipped ones made of what is judged already.
    """
    found = []
    for one in tracked:
        if one.cdr is not None:
            found += [replace(kpi, own_targets=_own_targets(one)) for kpi in judged_kpis([one.definition()])]
        elif not (one.shipped and _made_of_told(one)):
            found.append(_kept(one))
    return found


def _own_targets(one: Tracked) -> tuple[tuple[str, float, bool], ...]:
    limits = ((entity, one.limits_of(entity).target) for entity in sorted(one.per_entity))
    return tuple((entity, target.value, target.op == ">=") for entity, target in limits if target is not None)


def _made_of_told(one: Tracked) -> bool:
    return one.formula is not None or (one.measure is not None and one.measure.index in _TOLD)


def _kept(one: Tracked) -> Kpi:
    """Against what is usual only: its target has a watch (`busyhour kpi watches`), and would be told twice.

    A value without parts, such as a gauge read once an hour, is continuous, whatever its unit.
    """
    plain = kpi_of(one.definition())
    models: dict[str, Model] = {"ratio": "ratio", "count": "count"}
    model: Model = "continuous" if one.measure is None else models.get(one.measure.kind, "continuous")
    return replace(
        plain,
        alias=one.name,
        model=model,
        family=one.group,
        logarithmic=model == "continuous" and one.unit in _RELATIVE_UNITS,
        target=None,
        noun=one.unit if model == "count" else "samples",
        finest_sec=min(one.resolutions),
        additive=one.merge == "sum" and model == "continuous",
        as_stored=True,
    )
