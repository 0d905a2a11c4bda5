"""Watches from files: the shipped ones, or a folder of one's own."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from alerting.checking import check
from alerting.durations import duration
from alerting.watch import KINDS, MAX_ITERATIONS, Action, Watch
from contracts.errors import DefinitionError, UserError

_MOST_BYTES = 1_000_000  # a watch is a page of text; anything larger is the wrong file


class _Loader(yaml.SafeLoader):
    """Plain YAML values; a key written twice is an error, and aliases are none (a few lines could mean gigabytes)."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not taken")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.YAMLError(f"a key is no plain word (line {key.start_mark.line + 1})")
            if key.value in seen:
                raise yaml.YAMLError(f"key {key.value!r} stands twice (line {key.start_mark.line + 1})")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def shipped_folder() -> Path:
    return Path(str(resources.files("alerting"))) / "watches"


def load_watches(folder: Path | None = None) -> tuple[Watch, ...]:
    """Every `*.yml` of a folder (None: the shipped watches), by name. Raises DefinitionError, or UserError on no folder."""
    folder = folder or shipped_folder()
    if not folder.is_dir():
        raise UserError("no such folder of watches", where=str(folder), remedy="name a folder that holds *.yml files")
    return tuple(read_watch(path) for path in sorted(folder.glob("*.yml")))


def read_watch(path: Path) -> Watch:
    """One watch file. Raises DefinitionError naming file, path, value and the nearest right name; UserError: not readable."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DefinitionError(f"is larger than {_MOST_BYTES} bytes, hence no watch", where=str(path))
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DefinitionError(f"is not UTF-8: {error}", where=str(path)) from error
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from error
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise DefinitionError(f"is not YAML: {error}", where=str(path)) from error
    return watch_from(content, path.stem, str(path))


def watch_from(content: Any, name: str, file: str) -> Watch:
    """A watch from already parsed content. Raises DefinitionError."""
    check(content, file)
    alert = content["metadata"]["alert"]
    throttle = content.get("throttle_period")
    actions = tuple(_action(key, spec, throttle) for key, spec in content["actions"].items())
    first = next(iter(content["actions"].values()))
    return Watch(
        name=name,
        path=file,
        interval=duration(content["trigger"]["schedule"]["interval"]),
        input=content["input"],
        condition=content.get("condition", {"always": {}}),
        transform=content.get("transform"),
        actions=actions,
        metadata=content["metadata"],
        foreach=first.get("foreach", ""),
        max_iterations=min(spec.get("max_iterations", MAX_ITERATIONS) for spec in content["actions"].values()),
        about=alert.get("about", {}),
        repeat=duration(content["metadata"]["repeat_interval"]) if "repeat_interval" in content["metadata"] else None,
        **{word: alert.get(word, "") for word in ("labels", "severity", "summary", "reason", "incident", "ends_at")},
    )


def _action(name: str, spec: Mapping[str, Any], throttle: str | int | None) -> Action:
    kind = next(kind for kind in KINDS if kind in spec)
    period = spec.get("throttle_period", throttle)
    return Action(
        name=name,
        kind=kind,
        config=spec[kind],
        throttle=duration(period) if period is not None else None,
        condition=spec.get("condition", {"always": {}}),
        send_resolved=spec.get("send_resolved", True),
    )
