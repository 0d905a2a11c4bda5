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
    F("kpi.origin", "keyword", "cdr, manual, formula, store, or the connector it came by"),
    F("kpi.entry", "keyword", "of a value that a person entered: id of its entry in kpi-correction"),
)

KPI_DEFINITION = (
    *EVENT,
    F("kpi.id", "keyword", "definition, such as desk.effort"),
    F("kpi.version", "integer", "version that points carry: rises when what a value means changes"),
    F("definition.revision", "integer", "1, 2, 3 … of this KPI; a revision is never changed"),
    F("definition.kind", "keyword", "definition, or overlay: owner, target and thresholds over a shipped one"),
    F("definition.state", "keyword", "active or retired"),
    F("definition.name", "text", "name for people"),
    F("definition.group", "keyword", "network, call failure, congestion, service desk …"),
    F("definition.unit", "keyword", "unit of the value"),
    F("definition.source", "keyword", "where values come from: manual, formula, store, http …"),
    F("definition.owner", "keyword", "who answers for it"),
    F("definition.by", "keyword", "who wrote this revision"),
    F("definition.why", "blob", "why, in words"),
    F("definition.body", "blob", "the whole definition, as JSON"),
)
KPI_CORRECTION = (
    *EVENT,
    *ENTITY,
    F("kpi.id", "keyword", "definition"),
    F("kpi.version", "integer", "version of the definition"),
    F("entry.place", "keyword", "what it is the value of: digest of KPI, version, entity and bucket"),
    F("entry.number", "integer", "1: the first value of the place, 2: its first correction …; the highest one counts"),
    F("entry.bucket", "date", "start of the bucket"),
    F("entry.resolution.sec", "integer", "length of the bucket"),
    F("entry.value", "double", "value entered, in the KPI's unit"),
    F("entry.before", "double", "value that it corrects"),
    F("entry.by", "keyword", "who entered it"),
    F("entry.why", "blob", "why, in words"),
    F("entry.from", "keyword", "command, or the file it was imported from"),
)
