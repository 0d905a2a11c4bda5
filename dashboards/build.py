"""Kibana's saved objects from the YAML under `kibana/`, as importable NDJSON under `kibana/saved_objects/`.

    1-data-views.ndjson   one data view per index that people look at
    2-tags.ndjson         a tag for each audience
    3-searches.ndjson     saved searches (Discover sessions) for analysts
    4-NAME.ndjson         the dashboard NAME
    rules.json            alerting rules, as what Kibana's API takes: [{id, body}]

In the order of the names nothing refers to what is not there yet. They are checked in; a test fails when they are stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import DefinitionError
from dashboards import definitions
from dashboards.board import dashboard_object
from dashboards.check import check_statically
from dashboards.model import Control, Dashboard, DataView, Rule, Search
from dashboards.objects import data_view, ndjson, search, tag
from dashboards.queries import query_problem
from dashboards.rules import rule_request

FOLDER = "kibana/saved_objects"
RULES = f"{FOLDER}/rules.json"


@dataclass(frozen=True, slots=True)
class Definitions:
    """All that is under `kibana/`."""

    views: tuple[DataView, ...]
    controls: tuple[Control, ...]
    searches: tuple[Search, ...]
    rules: tuple[Rule, ...]
    boards: tuple[Dashboard, ...]

    @property
    def times(self) -> dict[str, str]:
        """Time field of each index that has a data view."""
        return {view.index: view.time for view in self.views}


def load(root: Path) -> Definitions:
    """Everything under `root`/kibana, checked as far as that goes without Elasticsearch. Raises DefinitionError."""
    folder = root / "kibana"
    controls = definitions.controls(folder / "controls.yml")
    paths = sorted((folder / "dashboards").glob("*.yml"))
    if not paths:
        raise DefinitionError("holds no dashboards", where=str(folder / "dashboards"))
    found = Definitions(
        views=definitions.data_views(folder / "data_views.yml"),
        controls=controls,
        searches=definitions.searches(folder / "searches.yml"),
        rules=definitions.rules(folder / "rules.yml"),
        boards=tuple(definitions.dashboard(path, controls) for path in paths),
    )
    check_statically(found.boards, found.views)
    shown = {*(each.index for each in found.searches), *(each.index for each in controls if each.field)}
    for index in sorted(shown - set(found.times)):
        raise DefinitionError(f"{index} has no data view", where=str(folder / "data_views.yml"))
    for name, query in _other_queries(found):
        problem = query_problem(query)
        if problem:
            raise DefinitionError(problem, where=f"{folder}: {name}")
    return found


def _other_queries(found: Definitions) -> Iterator[tuple[str, str]]:
    yield from ((f"search {each.name}", each.query) for each in found.searches if each.esql)
    yield from ((f"rule {each.name}", each.query) for each in found.rules)
    yield from ((f"control {each.name}", each.query) for each in found.controls if each.query)


def build(root: Path) -> dict[str, str]:
    """Content by path below `root`. Raises DefinitionError on a bad YAML file."""
    found = load(root)
    audiences = sorted({audience for board in found.boards for audience in board.audience})
    files = {
        "1-data-views": [data_view(view) for view in found.views],
        "2-tags": [tag(audience) for audience in audiences],
        "3-searches": [search(each, found.times[each.index]) for each in found.searches],
        **{f"4-{board.name}": [dashboard_object(board, found.times)] for board in found.boards},
    }
    built = {f"{FOLDER}/{name}.ndjson": ndjson(objects) for name, objects in files.items()}
    rules = [rule_request(rule) for rule in found.rules]
    return built | {RULES: json.dumps(rules, ensure_ascii=False, indent=2) + "\n"}


def write_built(root: Path) -> list[str]:
    """Writes what differs, removes what no YAML file asks for any more; the paths changed. Raises DefinitionError."""
    files = build(root)
    changed = []
    for path, text in files.items():
        place = root / path
        if not place.is_file() or place.read_text(encoding="utf-8") != text:
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".{place.name}.part")
            part.write_text(text, encoding="utf-8")
            part.replace(place)
            changed.append(path)
    for place in sorted((root / FOLDER).iterdir()):
        path = f"{FOLDER}/{place.name}"
        if path not in files and place.suffix in (".ndjson", ".json"):
            place.unlink()
            changed.append(path)
    return changed


def stale(root: Path) -> list[str]:
    """Paths of built files that are not what the YAML says."""
    files = build(root)
    present = {f"{FOLDER}/{place.name}" for place in (root / FOLDER).glob("*.*json")}
    old = {
        path for path, text in files.items() if path in present and (root / path).read_text(encoding="utf-8") != text
    }
    return sorted(old | (set(files) ^ present))
