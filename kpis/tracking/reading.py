"""A definition as people write it → `Tracked`, checked. Refuses by key and value, with the nearest right one."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from contracts.errors import DefinitionError
from contracts.indices import BY_NAME
from kpis.definitions import Bad
from kpis.expressions import Kind, fields_of
from kpis.formulas import parse
from kpis.parser import parse_aggregate, parse_condition
from kpis.tracking.model import LEVELS, Limits, Measure, Target, Tracked

SCHEMA = Path(__file__).parent / "definition.schema.yml"
SECONDS = {"5m": 300, "1h": 3600, "1d": 86400}
ELAPSED = "elapsed.sec"
_USUAL: dict[str, tuple[str, ...]] = {
    "manual": ("1d",),
    "formula": ("1h", "1d"),
    "store": ("1h", "1d"),
    "usage": ("1d",),
    "http": ("5m", "1h", "1d"),
    "prometheus": ("5m", "1h", "1d"),
    "file": ("1d",),
    "written": ("1d",),
}
_OVERLAY = ("owner", "target", "thresholds", "entities")


def read(content: Any, where: str) -> Tracked:
    """Raises DefinitionError, with `where`. That a formula's KPIs exist is the registry's matter."""
    check_schema(content, where)
    source = content["source"]
    kind = source["kind"]
    formula = parse(source["formula"], f"{where}: source.formula") if kind == "formula" else None
    measure = _measure(source, where) if kind == "store" else None
    schedule = content.get("schedule") or (("1d",) if formula and formula.daily else _USUAL[kind])
    if formula and formula.daily and tuple(schedule) != ("1d",):
        raise DefinitionError("busiest(…) has a value by the day only", where=f"{where}: schedule", remedy="[1d]")
    dimensions = tuple(content.get("dimensions") or (measure.entities if measure else ()))
    limits, per_entity = read_limits(content, content["bad"], where)
    return Tracked(
        id=content["id"],
        name=content["name"].strip(),
        group=content.get("group", "other"),
        unit=content["unit"],
        bad=content["bad"],
        standard=content.get("standard", ""),
        source=kind,
        version=content.get("version", 1),
        merge="formula" if formula else _merge(content, measure),  # type: ignore[arg-type]
        resolutions=tuple(sorted(SECONDS[each] for each in schedule)),
        dimensions=dimensions,
        owner=content.get("owner", ""),
        meaning=content.get("meaning", ""),
        service=content.get("service", ""),
        least_sample=content.get("least_sample", 0),
        limits=limits,
        per_entity=per_entity,
        details={key: value for key, value in source.items() if key != "kind"},
        formula=formula,
        measure=measure,
    )


def read_overlay(content: Any, bad: Bad, where: str) -> tuple[str, Limits, dict[str, Limits]]:
    """Owner ("": as shipped), limits of all entities and of some, of what is laid over a shipped KPI."""
    if not isinstance(content, dict):
        raise DefinitionError("is no mapping of keys to values", where=where)
    for key in content:
        if key not in _OVERLAY:
            raise DefinitionError(
                f"{key!r} of a shipped KPI cannot be changed{nearest(str(key), _OVERLAY)}",
                where=where,
                remedy=f"only {', '.join(_OVERLAY)} can be laid over it; else define a KPI of your own",
            )
    filler = {"id": "of.overlay", "name": "overlay", "unit": "-", "bad": bad, "source": {"kind": "manual"}}
    check_schema({**filler, **content}, where)
    limits, per_entity = read_limits(content, bad, where)
    return content.get("owner", ""), limits, per_entity


def check_schema(content: Any, where: str) -> None:
    """Raises DefinitionError on the first key that is wrong."""
    if not isinstance(content, dict):
        raise DefinitionError("is no mapping of keys to values", where=where, remedy="see docs/kpis.md")
    for error in sorted(_validator().iter_errors(content), key=lambda each: list(map(str, each.absolute_path))):
        key = ".".join(map(str, error.absolute_path))
        what = error.message[:300]
        if error.validator == "additionalProperties" and isinstance(error.instance, dict):
            known = list(error.schema.get("properties", {}))
            unknown = [str(name) for name in error.instance if name not in known]
            if unknown:
                what = f"unknown key {unknown[0][:60]!r}{nearest(unknown[0], known)}"
        elif error.validator == "oneOf" and isinstance(error.instance, dict):
            what = _source_fault(error.schema["oneOf"], error.instance)
        raise DefinitionError(what, where=f"{where}{': ' + key if key else ''}", remedy="see docs/kpis.md")


def _source_fault(choices: list[dict[str, Any]], source: dict[str, Any]) -> str:
    kinds = [choice["properties"]["kind"]["const"] for choice in choices]
    kind = str(source.get("kind"))
    if kind not in kinds:
        return f"unknown kind {kind[:40]!r}{nearest(kind, kinds)}"
    for error in Draft202012Validator(choices[kinds.index(kind)]).iter_errors(source):
        path = ".".join(map(str, error.absolute_path))
        return f"{path + ': ' if path else ''}{error.message[:200]}"
    return f"is no source of kind {kind}"


def read_limits(content: Mapping[str, Any], bad: Bad, where: str) -> tuple[Limits, dict[str, Limits]]:
    per_entity = {
        name: _limits(entry, bad, f"{where}: entities.{name}") for name, entry in content.get("entities", {}).items()
    }
    return _limits(content, bad, where), per_entity


def _limits(content: Mapping[str, Any], bad: Bad, where: str) -> Limits:
    target = None
    for key, value in content.get("target", {}).items():
        target = Target(">=" if key == "at_least" else "<=", _finite(value, f"{where}: target.{key}"))
    if target and ((bad == "low" and target.op == "<=") or (bad == "high" and target.op == ">=")):
        raise DefinitionError(f"the target contradicts `bad: {bad}`", where=f"{where}: target")
    found = content.get("thresholds", {})
    thresholds = {level: _finite(found[level], f"{where}: thresholds.{level}") for level in LEVELS if level in found}
    values = list(thresholds.values())
    if bad != "both" and values != sorted(values, reverse=bad == "low"):
        direction = "fall" if bad == "low" else "rise"
        raise DefinitionError(
            f"thresholds must {direction} from {' to '.join(thresholds)}", where=f"{where}: thresholds"
        )
    return Limits(target, thresholds)


def _finite(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise DefinitionError(f"{value} is no number to hold values against", where=where)
    return float(value)


def _merge(content: Mapping[str, Any], measure: Measure | None) -> str:
    if measure is not None:
        return "sum" if measure.kind == "count" else "parts"
    return str(content.get("merge", "mean"))


def _measure(source: Mapping[str, Any], where: str) -> Measure:
    index = BY_NAME.get(source["index"])
    if index is None:
        raise DefinitionError(
            f"unknown index {source['index'][:60]!r}{nearest(source['index'], BY_NAME)}", where=f"{where}: source.index"
        )
    fields = fields_of(index.fields)
    elapsed = source.get("elapsed")
    for key, name in {"time": source["time"], **{f"elapsed.{k}": v for k, v in (elapsed or {}).items()}}.items():
        if fields.get(name) != "date":
            dates = [each for each, kind in fields.items() if kind == "date"]
            raise DefinitionError(f"{name[:60]} is no date field{nearest(name, dates)}", where=f"{where}: source.{key}")
    if elapsed:
        fields = {**fields, ELAPSED: "double"}
    for kind, name in source["entities"].items():
        if name and fields.get(name) != "text":
            raise DefinitionError(
                f"{name[:60]} is no keyword field{nearest(name, fields)}", where=f"{where}: source.entities.{kind}"
            )
    if (source["measure"] == "count") == ("denominator" in source):
        raise DefinitionError(
            "a count has no denominator, a ratio or mean has one", where=f"{where}: source.denominator"
        )
    return Measure(
        kind=source["measure"],
        index=index.name,
        time=source["time"],
        numerator=_aggregates(source, "numerator", fields, where),
        denominator=_aggregates(source, "denominator", fields, where),
        entities=dict(source["entities"]),
        where=parse_condition(source["where"], fields, {}, f"{where}: source.where") if "where" in source else None,
        elapsed=(elapsed["from"], elapsed["to"]) if elapsed else None,
        per=source.get("per", ""),
        zero=source.get("zero", False),
    )


def _aggregates(source: Mapping[str, Any], key: str, fields: Mapping[str, Kind], where: str) -> tuple[Any, ...]:
    return (parse_aggregate(source[key], fields, {}, f"{where}: source.{key}"),) if key in source else ()


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(yaml.safe_load(SCHEMA.read_text(encoding="utf-8")))


def nearest(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name[:100], list(names), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
