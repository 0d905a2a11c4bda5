"""Elasticsearch roles from `infrastructure/elasticsearch/roles/*.yml`, read, checked, installed: they say who may do what."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml

from contracts.errors import DefinitionError, StoreRefused
from contracts.indices import BY_NAME, Index, concrete
from infrastructure.exchange import path_of
from infrastructure.mappings import PRODUCT
from infrastructure.store import Store

FOLDER = Path(__file__).parent / "elasticsearch" / "roles"
CONSOLE = f"{PRODUCT}_console"
ADMINISTRATOR = f"{PRODUCT}_administrator"
_KEYS = {"role", "title", "description", "cluster", "indices", "kibana", "run_as"}
_NO_SECURITY = (400, 405, 500)  # what `_security` answers where security is off
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Role:
    """`body` is what `PUT _security/role/<name>` takes. `reads`, `writes`: names of our indices."""

    name: str
    title: str
    description: str
    body: dict[str, Any]
    reads: frozenset[str]
    writes: frozenset[str]


def index_names(index: Index) -> tuple[str, str]:
    """The alias, and the indices behind it: a partition's name goes on with a digit."""
    return (index.name, f"/{index.name}-[0-9].*/") if index.grows else (index.name, concrete(index.name))


@cache
def all_roles(folder: Path = FOLDER) -> dict[str, Role]:
    """Every role by its name. Raises DefinitionError naming the file and the key."""
    found = [_read(path) for path in sorted(folder.glob("*.yml"))]
    return {role.name: role for role in found}


def staff_roles() -> dict[str, Role]:
    """The roles that people have: all but the console's own."""
    return {name: role for name, role in all_roles().items() if name != CONSOLE}


def install_roles(store: Store) -> list[str]:
    """Installs what is missing or older; the names of what was written. [] where security is off or the right is missing.

    The right wanted is `manage_security`.
    """
    path = path_of("_security", "role", f"{PRODUCT}_*")
    try:
        present = store.exchange.ask("GET", "/_security/role", allow=(404, *_NO_SECURITY))
        if "error" in present:
            _log.info("roles are not installed: this Elasticsearch has no security")
            return []
        done = [role.name for role in all_roles().values() if not _is_there(present.get(role.name), role)]
        for name in done:
            store.exchange.ask("PUT", path_of("_security", "role", name), all_roles()[name].body)
    except StoreRefused as error:
        _log.info("roles are not installed, %s: %s", path, error.what)
        return []
    return done


def _is_there(present: Any, role: Role) -> bool:
    return bool(present) and present.get("metadata", {}).get("version") == role.body["metadata"]["version"]


def _read(path: Path) -> Role:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    wrong = sorted(set(content) - _KEYS)
    if wrong:
        raise DefinitionError(f"unknown key {wrong[0]!r}; known are {', '.join(sorted(_KEYS))}", where=str(path))
    indices = [_granted(path, row) for row in content["indices"]]
    body: dict[str, Any] = {
        "description": content["description"],
        "cluster": content["cluster"],
        "indices": indices,
        "run_as": content.get("run_as", []),
        "applications": [_kibana(privilege) for privilege in content.get("kibana", [])],
    }
    version = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
    body["metadata"] = {"managed_by": PRODUCT, "version": version}
    return Role(
        name=content["role"],
        title=content["title"],
        description=content["description"],
        body=body,
        reads=_with(content["indices"], lambda privileges: "read" in privileges),
        writes=_with(content["indices"], lambda privileges: "index" in privileges),
    )


def _granted(path: Path, row: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(row["names"]) - set(BY_NAME))
    if unknown:
        raise DefinitionError(f"{unknown[0]!r} is none of our indices", where=str(path))
    names = sorted(name for each in row["names"] for name in index_names(BY_NAME[each]))
    return {"names": names, "privileges": row["privileges"]}


def _kibana(privilege: str) -> dict[str, Any]:
    return {"application": "kibana-.kibana", "privileges": [privilege], "resources": [f"space:{PRODUCT}"]}


def _with(rows: Iterable[dict[str, Any]], wanted: Callable[[list[str]], bool]) -> frozenset[str]:
    return frozenset(name for row in rows if wanted(row["privileges"]) for name in row["names"])
