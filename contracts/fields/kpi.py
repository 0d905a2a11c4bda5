"""Fields of KPI points."""

from __future__ import annotations

from contracts.fields.base import ENTITY, EVENT, SERVICE, F

KPI = (
    *EVENT,
    *SERVICE,
    *ENTITY,
    F("kpi.id", "keyword", "definition, such as voip.asr"),
    F("kpi.version", "integer", "version of the definition"),
    F("kpi.unit", "keyword", "ratio, ms, calls, E, bytes …"),
    F("kpi.value", "double", "value in that unit; absent unless state is ok or insufficient_data"),
    F("kpi.numerator", "double", "numerator of a ratio, sum of a mean"),
    F("kpi.denominator", "double", "denominator of a ratio, count of a mean"),
    F("kpi.samples", "long", "records behind the value"),
    F("kpi.bins", "blob", "counts per delay bin, `index:count …`"),
    F("kpi.state", "keyword", "ok, no_data, insufficient_data or not_measurable"),
    F("kpi.resolution.sec", "integer", "length of the bucket"),
    F("kpi.origin", "keyword", "cdr, manual or a connector"),
)
