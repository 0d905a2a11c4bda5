"""Watches from files: the shipped ones, or a folder of one's own."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import timedelta
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from alerting.checking import check
from alerting.durations import duration
from alerting.schedules import read_schedule
from alerting.severity import severity_word
from alerting.watch import KINDS, MAX_ITERATIONS, Action, Flapping, Grouping, NoData, Watch
from contracts.errors import DefinitionError, UserError
from contracts.settings import Settings

GROUP_WAIT, GROUP_INTERVAL = timedelta(seconds=30), timedelta(minutes=5)  # Alertmanager's own defaults
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


def all_watches(settings: Settings) -> tuple[Watch, ...]:
    """The shipped watches and those of `alert.watches.folder`; one of its own takes the place of a shipped one of its name."""
    own = settings.text("alert.watches.folder")
    by_name = {watch.name: watch for watch in load_watches()}
    by_name |= {watch.name: watch for watch in (load_watches(Path(own)) if own else ())}
    return tuple(by_name[name] for name in sorted(by_name))


def read_watch(path: Path) -> Watch:
    """One watch file. Raises DefinitionError naming file, path, value and the nearest right name; UserError: not readable."""
    try:
        found = path.stat()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return _read(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=4096)  # a runner asks every minute
def _read(path: Path, changed: int, size: int) -> Watch:
    try:
        if size > _MOST_BYTES:
            raise DefinitionError(f"is larger than {_MOST_BYTES} bytes, hence no watch", where=str(path))
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DefinitionError(f"is not UTF-8: {error}", where=str(path)) from error
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from error
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DefinitionError(f"is not YAML: {error}", where=str(path)) from error
    return watch_from(content, path.stem, str(path))


def watch_from(content: Any, name: str, file: str) -> Watch:
    """A watch from already parsed content. Raises DefinitionError."""
    check(content, file)
    metadata = content["metadata"]
    alert = metadata["alert"]
    throttle = content.get("throttle_period")
    actions = tuple(_action(key, spec, throttle) for key, spec in content["actions"].items())
    first = next(iter(content["actions"].values()))
    return Watch(
        name=name,
        path=file,
        schedule=read_schedule(content["trigger"]["schedule"]),
        input=content["input"],
        condition=content.get("condition", {"always": {}}),
        transform=content.get("transform"),
        actions=actions,
        metadata=metadata,
        foreach=first.get("foreach", ""),
        max_iterations=min(spec.get("max_iterations", MAX_ITERATIONS) for spec in content["actions"].values()),
        about=alert.get("about", {}),
        repeat=_length(metadata, "repeat_interval"),
        no_data=_no_data(metadata.get("no_data")),
        flapping=_flapping(metadata.get("flapping", {})),
        each=alert.get("condition"),
        content=content,
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
        repeat=_length(spec[kind], "repeat_interval"),
        grouping=grouping_of(spec[kind]) if kind == "notify" else None,
    )


def grouping_of(spec: Mapping[str, Any]) -> Grouping:
    """`group_by`, `group_wait` and `group_interval` of an action or a route; Alertmanager's defaults."""
    return Grouping(
        tuple(spec.get("group_by", ("alertname",))),
        _length(spec, "group_wait") or GROUP_WAIT,
        _length(spec, "group_interval") or GROUP_INTERVAL,
    )


def _length(spec: Mapping[str, Any], key: str) -> timedelta | None:
    return duration(spec[key]) if key in spec else None


def _no_data(spec: Mapping[str, Any] | None) -> NoData | None:
    if spec is None:
        return None
    return NoData(spec.get("when"), spec.get("each"), severity_word(str(spec.get("severity", "warning"))))


def _flapping(spec: Mapping[str, Any] | bool) -> Flapping | None:
    if isinstance(spec, bool):
        return Flapping() if spec else None
    usual = Flapping()
    return Flapping(spec.get("changes", usual.changes), _length(spec, "within") or usual.within)
