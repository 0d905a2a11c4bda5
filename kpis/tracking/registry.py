"""Every KPI that is known: the shipped ones, what is laid over them, and those that people define."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml

from contracts.errors import DefinitionError, InternalError
from contracts.settings import Settings
from infrastructure.store import Store
from kpis import catalogue
from kpis.formulas import in_order
from kpis.tracking.model import Tracked, of_catalogue
from kpis.tracking.reading import nearest, read, read_overlay

SHIPPED = Path(__file__).parent / "shipped"
INDEX = "kpi-definition"


@dataclass(frozen=True, slots=True)
class Registry:
    """`known` by id, retired ones included. `problems`: stored definitions that cannot be read, one line each."""

    known: Mapping[str, Tracked]
    problems: tuple[str, ...] = ()

    def active(self) -> list[Tracked]:
        """Those in use, sorted by id."""
        return [self.known[name] for name in sorted(self.known) if self.known[name].active]

    def find(self, name: str) -> Tracked:
        """By id, or by the alias of the catalogue, in any case. Raises DefinitionError with the nearest one."""
        wanted = name.strip().lower()
        if wanted in self.known:
            return self.known[wanted]
        aliases = {each.cdr.alias.lower(): each for each in self.known.values() if each.cdr}
        if wanted in aliases:
            return aliases[wanted]
        raise DefinitionError(
            f"unknown KPI {name[:80]!r}{nearest(wanted, [*self.known, *aliases])}", remedy="see `busyhour kpi list`"
        )

    def order(self) -> list[str]:
        """Active formulas, each after the formulas that it needs."""
        return in_order(needs(self.active()))

    def check_formula(self, one: Tracked, where: str) -> None:
        """Raises DefinitionError on an unknown or retired KPI in its formula, on a circle, and on what it cannot be made of."""
        if one.formula is None:
            return
        for name in one.formula.kpis:
            found = self.known.get(name)
            if found is None and name != one.id:
                names = [each.id for each in self.active()]
                raise DefinitionError(f"unknown KPI {name[:80]!r}{nearest(name, names)}", where=f"{where}: formula")
            if found is not None and not found.active:
                raise DefinitionError(f"{name} is retired", where=f"{where}: formula")
        in_order(needs([*(each for each in self.active() if each.id != one.id), one]), f"{where}: formula")
        for each in one.formula.inputs:
            least = self.known[each.kpi].resolutions
            wanted = [3600] if each.busiest else list(one.resolutions)
            missing = [seconds for seconds in wanted if seconds not in least]
            if missing:
                raise DefinitionError(
                    f"{each.kpi} has no values by {missing[0]} s",
                    where=f"{where}: formula",
                    remedy=f"give the formula a schedule among those of {each.kpi}",
                )


def load(store: Store) -> Registry:
    """The registry as of now."""
    store.refresh(INDEX)
    newest: dict[str, dict[str, Any]] = {}
    for hit in store.scan(INDEX):
        source = hit["_source"]
        name = source["kpi"]["id"]
        if name not in newest or newest[name]["definition"]["revision"] < source["definition"]["revision"]:
            newest[name] = source
    return put_together(shipped(store.settings), newest.values())


def put_together(base: Mapping[str, Tracked], documents: Iterable[Mapping[str, Any]]) -> Registry:
    """Shipped definitions with documents of `kpi-definition` over them. One that cannot be read leaves the others alone."""
    known = dict(base)
    problems = []
    for source in documents:
        name, found = source["kpi"]["id"], source["definition"]
        try:
            body = orjson.loads(found["body"])
            known[name] = laid_over(base[name], body, name) if name in base else read(body, name)
        except (DefinitionError, ValueError, KeyError) as error:
            problems.append(f"{name}, revision {found.get('revision')}: {error}")
            continue
        known[name] = replace(
            known[name],
            revision=found["revision"],
            active=found["state"] == "active",
            shipped=name in base,
            version=known[name].version if name in base else source["kpi"]["version"],
        )
    return Registry(known, tuple(problems))


def laid_over(base: Tracked, body: Any, where: str) -> Tracked:
    """A shipped KPI with an overlay's owner, target and thresholds. Raises DefinitionError."""
    owner, limits, per_entity = read_overlay(body, base.bad, where)
    return replace(
        base,
        owner=owner or base.owner,
        limits=limits.over(base.limits),
        per_entity={**base.per_entity, **per_entity},
    )


def needs(tracked: Iterable[Tracked]) -> dict[str, tuple[str, ...]]:
    """Formulas' ids and the KPIs that they read."""
    return {each.id: each.formula.kpis for each in tracked if each.formula is not None}


def shipped(settings: Settings) -> dict[str, Tracked]:
    """The catalogue of the roll-up and the rows of shipped/*.yml, by id. Raises DefinitionError on a bad file."""
    found = {
        each.id: of_catalogue(each, _groups().get(each.id, "network")) for each in catalogue.load(settings).values()
    }
    for one in _rows():
        if one.id in found:
            raise DefinitionError(f"{one.id} is defined twice", where=str(SHIPPED))
        found[one.id] = one
    registry = Registry(found)
    for one in found.values():
        registry.check_formula(one, one.id)
    return found


@cache
def _rows() -> tuple[Tracked, ...]:
    found = []
    for path in sorted(SHIPPED.glob("*.yml")):
        for position, row in enumerate(yaml.safe_load(path.read_text(encoding="utf-8"))["kpis"]):
            found.append(read(row, f"kpis/tracking/shipped/{path.name}: kpis[{position}]"))
    return tuple(found)


@cache
def _groups() -> Mapping[str, str]:
    """Group by id of the catalogue's KPIs."""
    content = yaml.safe_load((SHIPPED.parent / "groups.yml").read_text(encoding="utf-8"))
    found = {name: group for group, names in content.items() for name in names}
    if not found:
        raise InternalError("groups.yml is empty")
    return found
