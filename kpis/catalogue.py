"""The catalogue of KPIs: read from `catalogue/*.yml`, checked by a schema, expressions parsed. Refuses by file, key and value."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from contracts.entities import ENTITY_TYPES, SERVICES
from contracts.errors import DefinitionError
from contracts.ids import digest
from contracts.indices import BY_NAME
from contracts.settings import Settings
from kpis.definitions import Definition, Numbers, Per, Spread
from kpis.expressions import Aggregate, Kind, Named, Node, fields_of
from kpis.parser import parse_aggregate, parse_condition, parse_value
from mediation.enrich.causes import causes

HOME = Path(__file__).resolve().parent
FOLDER = HOME / "catalogue"
_COUNT_ALL = Aggregate("COUNT", None, None)


@dataclass(frozen=True, slots=True)
class Service:
    """Where a service's records are, which fields make entities of them, and its KPI of how busy an entity is.

    `correlated`: index of what several records are put together to, "" where there is none.
    """

    name: str
    source: str
    activity: str
    entities: dict[str, tuple[str, ...]]
    correlated: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """Records, and what was made of them."""
        return (self.source, self.correlated) if self.correlated else (self.source,)


def load(settings: Settings, folder: Path = FOLDER) -> dict[str, Definition]:
    """Every definition by id, sorted by id. Raises DefinitionError naming file, key, value and the nearest right one."""
    named, kinds = named_values(settings), services()
    validator = Draft202012Validator(_yaml(HOME / "definition.schema.yml"))
    found: dict[str, Definition] = {}
    paths = sorted(folder.glob("*.yml"))
    if not paths:
        raise DefinitionError("no KPI definitions", where=str(folder), remedy="restore the folder")
    for path in paths:
        content = _yaml(path)
        _check_schema(validator, content, path)
        definition = _definition(content, path.name, named, kinds)
        if definition.id in found or path.stem != definition.id:
            raise DefinitionError(
                f"id {definition.id} stands in {path.name}", where=str(path), remedy="name the file after its id"
            )
        found[definition.id] = definition
    _check_together(found, kinds)
    return found


def services() -> dict[str, Service]:
    """`services.yml`: by service name."""
    path = HOME / "services.yml"
    found = {}
    for name, row in _yaml(path).items():
        entities = {kind: tuple(fields) for kind, fields in row["entities"].items()}
        correlated = row.get("correlated", "")
        indices = {row["source"], correlated} - {""}
        if name not in SERVICES or not indices <= BY_NAME.keys() or not set(entities) <= set(ENTITY_TYPES):
            raise DefinitionError(f"{name}: unknown service, source or entity type", where=str(path))
        known = fields_of(BY_NAME[row["source"]].fields)
        for field in (field for fields in entities.values() for field in fields):
            if known.get(field) != "text":
                raise DefinitionError(f"{name}: {field} is no keyword field{_nearest(field, known)}", where=str(path))
        found[name] = Service(name, row["source"], row["activity"], entities, correlated)
    return found


def named_values(settings: Settings) -> dict[str, int | float | tuple[int, ...]]:
    """What `${name}` in an expression stands for: sets of the release causes' classes, and settings."""
    user = {"user", "number"} if settings["kpi.ner.user.numbers"] else {"user"}

    def codes(table: str, classes: set[str]) -> tuple[int, ...]:
        return tuple(sorted(code for code, cause in causes()[table].items() if cause.ner in classes))

    return {
        "user_causes": codes("q850", user),
        "generic_causes": codes("q850", {"generic"}),
        "user_statuses": codes("sip", user),
        "generic_statuses": codes("sip", {"generic"}),
        "sms_within_sec": settings.number("kpi.sms.within.sec"),
    }


def fingerprint(definitions: Mapping[str, Definition]) -> str:
    """Changes when any value could come out differently: definitions, entities' fields, cause tables, settings behind them."""
    return digest("\n".join(repr(part) for part in (*sorted(definitions.items()), *sorted(services().items()))))


def find(definitions: Mapping[str, Definition], name: str) -> Definition:
    """A definition by id or alias, in any case. Raises DefinitionError with the nearest one."""
    wanted = name.strip().lower()
    for definition in definitions.values():
        if wanted in (definition.id, definition.alias.lower()):
            return definition
    names = [*definitions, *(definition.alias.lower() for definition in definitions.values())]
    raise DefinitionError(f"unknown KPI {name!r}{_nearest(wanted, names)}", remedy="see `busyhour kpi list`")


def _definition(content: dict[str, Any], file: str, named: Named, kinds: Mapping[str, Service]) -> Definition:
    where = f"kpis/catalogue/{file}"
    service = kinds.get(content["service"])
    if service is None:
        raise DefinitionError(
            f"unknown service {content['service']!r}{_nearest(content['service'], kinds)}", where=f"{where}: service"
        )
    for dimension in content["dimensions"]:
        known = ["service", *service.entities]
        if dimension not in known:
            raise DefinitionError(
                f"unknown entity type {dimension!r} of {service.name}{_nearest(dimension, known)}",
                where=f"{where}: dimensions",
            )
    reader = _Reader(where, fields_of(BY_NAME[service.source].fields), named)
    target = content.get("target", {})
    kind = content["kind"]
    numerator, denominator = reader.aggregates(content, "numerator"), reader.aggregates(content, "denominator")
    percentile = content.get("percentile", {})
    return Definition(
        **{
            key: content[key]
            for key in ("id", "alias", "version", "title", "standard", "kind", "unit", "bad", "least_sample")
        },
        service=service.name,
        source=service.source,
        target=float(next(iter(target.values()))) if target else None,
        target_op=">=" if "at_least" in target else "<=" if target else "",
        weight=float(content["weight"]),
        dimensions=tuple(content["dimensions"]),
        numerator=numerator,
        denominator=denominator,
        samples=reader.aggregates(content, "samples") or denominator or ((_COUNT_ALL,) if kind == "count" else ()),
        candidates=reader.aggregates(content, "candidates"),
        values=tuple(reader.value(text, "percentile.of") for text in percentile.get("of", ())),
        where=reader.condition(percentile.get("where"), "percentile.where"),
        percentile=float(percentile.get("share", "nan")),
        edge=float(percentile.get("edge", "nan")),
        spread=reader.spread(content["spread"]) if "spread" in content else None,
        numbers=reader.numbers(content["numbers"]) if "numbers" in content else None,
        settle_sec=reader.seconds(content.get("settle_sec", 0)),
        per=_per(content, service, where),
    )


def _per(content: Mapping[str, Any], service: Service, where: str) -> Per:
    if service.correlated:
        return "record" if "per" in content else "call"
    if "per" in content:
        raise DefinitionError(
            f"records of {service.name} are not put together: nothing to choose", where=f"{where}: per"
        )
    return ""


@dataclass(frozen=True, slots=True)
class _Reader:
    """Parses the expressions of one file."""

    where: str
    fields: Mapping[str, Kind]
    named: Named

    def aggregates(self, content: Mapping[str, Any], key: str) -> tuple[Aggregate, ...]:
        texts = content.get(key, [])
        texts = [texts] if isinstance(texts, str) else texts
        return tuple(parse_aggregate(text, self.fields, self.named, f"{self.where}: {key}") for text in texts)

    def value(self, text: str, key: str) -> Node:
        return parse_value(text, self.fields, self.named, f"{self.where}: {key}")

    def condition(self, text: str | None, key: str) -> Node | None:
        return None if text is None else parse_condition(text, self.fields, self.named, f"{self.where}: {key}")

    def spread(self, content: Mapping[str, str]) -> Spread:
        for key in ("from", "to"):
            if self.fields.get(content[key]) != "date":
                dates = [name for name, kind in self.fields.items() if kind == "date"]
                raise DefinitionError(
                    f"{content[key]} is no date field{_nearest(content[key], dates)}",
                    where=f"{self.where}: spread.{key}",
                )
        amount = self.value(content["amount"], "spread.amount") if "amount" in content else None
        if amount is not None and amount.kind not in ("long", "integer"):
            raise DefinitionError("an amount is a whole number", where=f"{self.where}: spread.amount")
        return Spread(content["from"], content["to"], amount, self.condition(content.get("where"), "spread.where"))

    def numbers(self, content: Mapping[str, Any]) -> Numbers:
        for key in ("caller", "called"):
            if self.fields.get(content[key]) != "text":
                words = [name for name, kind in self.fields.items() if kind == "text"]
                raise DefinitionError(
                    f"{content[key]} is no keyword field{_nearest(content[key], words)}",
                    where=f"{self.where}: numbers.{key}",
                )
        of = self.value(content["of"], "numbers.of") if "of" in content else None
        where = self.condition(content.get("where"), "numbers.where")
        share, mean = (tuple(content.get(key, (0.0, math.inf))) for key in ("share", "mean"))
        repeats = float(content.get("repeats", 1.0))
        missing_at = content.get("missing_at", "")
        return Numbers(
            content["caller"], content["called"], content["least"], repeats, where, share, of, mean, missing_at
        )

    def seconds(self, value: int | str) -> int:
        if isinstance(value, int):
            return value
        found = self.named.get(value[2:-1])
        if not isinstance(found, int):
            raise DefinitionError(f"{value} is no number of seconds", where=f"{self.where}: settle_sec")
        return found


def _check_schema(validator: Draft202012Validator, content: Any, path: Path) -> None:
    for error in sorted(validator.iter_errors(content), key=lambda error: list(map(str, error.absolute_path))):
        key = ".".join(str(part) for part in error.absolute_path)
        where = f"kpis/catalogue/{path.name}{': ' + key if key else ''}"
        what = error.message
        if error.validator == "additionalProperties" and isinstance(error.instance, dict):
            known = list(error.schema.get("properties", {}))
            unknown = next(name for name in error.instance if name not in known)
            what = f"unknown key {unknown!r}{_nearest(str(unknown), known)}"
        elif error.validator == "not":
            what = f"{key} has no place in a KPI of this kind"
        raise DefinitionError(what, where=where, remedy="see kpis/definition.schema.yml")


def _check_together(found: Mapping[str, Definition], kinds: Mapping[str, Service]) -> None:
    aliases: dict[str, str] = {}
    for definition in found.values():
        if definition.alias in aliases:
            raise DefinitionError(
                f"alias {definition.alias} is that of {aliases[definition.alias]} too",
                where=f"kpis/catalogue/{definition.id}.yml: alias",
            )
        aliases[definition.alias] = definition.id
    for service in kinds.values():
        activity = found.get(service.activity)
        if activity is None or activity.kind != "count" or set(activity.dimensions) != {"service", *service.entities}:
            raise DefinitionError(
                f"{service.activity} must be a count kept for every entity type of {service.name}",
                where="kpis/services.yml: activity",
            )


def _yaml(path: Path) -> Any:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise DefinitionError(f"not YAML: {error}", where=str(path)) from None
    except OSError as error:
        raise DefinitionError(f"cannot be read: {error.strerror}", where=str(path)) from None
    return content


def _nearest(name: str, names: Mapping[str, Any] | list[str]) -> str:
    close = difflib.get_close_matches(str(name), list(names), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
