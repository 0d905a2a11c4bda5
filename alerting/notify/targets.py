"""Who is notified, and of what: the file that `alert.notify.file` names. It holds secrets; watches and alerts name targets only.

targets:
  noc-mail: {apprise: "mailtos://user:password@mail.example/?to=noc@example.org"}
  erp: {webhook: "https://erp.example/hooks/alerts", secret: "a long random text"}
routes:
  - to: [noc-mail]
    match: ['severity=~"critical|major"']
    group_by: [service]
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from alerting.catalogue import grouping_of
from alerting.durations import duration
from alerting.matchers import matcher
from alerting.notify.library import plugin_of
from alerting.notify.templates import BadTemplate, check
from alerting.watch import Action, Watch
from contracts.errors import SettingError, UserError
from contracts.settings import Settings

LEAST_SECRET = 16
_MOST_BYTES = 1_000_000
_TARGET = {"apprise", "webhook", "secret"}
_ROUTE = {
    "to", "match", "group_by", "group_wait", "group_interval", "repeat_interval", "send_resolved", "title", "body",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """`kind`: apprise or webhook. The address and the secret show themselves to nobody."""

    name: str
    kind: str
    address: str = field(repr=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Notifications:
    """`actions`: what the routes add to every watch."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()

    def added(self, watch: Watch) -> Watch:
        return replace(watch, actions=(*watch.actions, *self.actions)) if self.actions else watch

    def secrets(self) -> dict[str, str]:
        return {name: target.secret for name, target in self.targets.items() if target.secret}


def notifications_of(settings: Settings) -> Notifications:
    """Raises SettingError naming file and place; nothing of a target's address or secret is repeated."""
    text = settings.text("alert.notify.file")
    return read_notifications(Path(text)) if text else Notifications()


def read_notifications(path: Path) -> Notifications:
    """Raises SettingError as `notifications_of` does."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SettingError(f"is larger than {_MOST_BYTES:,} bytes", where=str(path))
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise SettingError(
            f"cannot be read: {error.strerror}", where=str(path), remedy="correct alert.notify.file"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError):
        raise SettingError("is not YAML", where=str(path)) from None  # the error would repeat a line, and so a secret
    _keys(content, {"targets", "routes"}, str(path))
    given = content.get("targets") or {}
    if not isinstance(given, Mapping):
        raise SettingError("a mapping of names is wanted", where=f"{path}: targets")
    targets = {str(name): _target(str(name), spec, f"{path}: targets.{name}") for name, spec in given.items()}
    routes = content.get("routes") or []
    if not isinstance(routes, list):
        raise SettingError("a list is wanted", where=f"{path}: routes")
    actions: list[Action] = []
    for number, spec in enumerate(routes, 1):
        actions += route_actions(number, spec, targets, f"{path}: route {number}")
    return Notifications(targets, tuple(actions))


def _keys(spec: Any, known: Iterable[str], where: str) -> None:
    if not isinstance(spec, Mapping):
        raise SettingError("a mapping is wanted", where=where)
    for key in spec:
        if key not in known:
            close = difflib.get_close_matches(str(key), list(known), n=1)
            near = f"; did you mean {close[0]}?" if close else ""
            raise SettingError(
                f"unknown key {str(key)[:80]!r}{near}", where=where, remedy=f"known: {', '.join(sorted(known))}"
            )


def _target(name: str, spec: Any, where: str) -> Target:
    _keys(spec, _TARGET, where)
    kinds = [kind for kind in ("apprise", "webhook") if kind in spec]
    if len(kinds) != 1 or not isinstance(spec[kinds[0]], str):
        raise SettingError("one of apprise and webhook is wanted, a text", where=where)
    address, secret = spec[kinds[0]], str(spec.get("secret", ""))
    if kinds == ["apprise"]:
        _check_apprise(address, where)
    else:
        try:
            parts = urlsplit(address)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingError("webhook is no http or https address", where=where)
    if secret and len(secret) < LEAST_SECRET:
        raise SettingError(
            f"the secret is shorter than {LEAST_SECRET} characters", where=where, remedy="openssl rand -hex 32"
        )
    return Target(name, kinds[0], address, secret)


def _check_apprise(address: str, where: str) -> None:
    if plugin_of(address) is None:
        raise SettingError(
            "apprise does not know such an address", where=where, remedy="see its list of notification URLs"
        )


def route_actions(number: int, spec: Any, targets: Mapping[str, Target], where: str) -> list[Action]:
    """What a route adds to every watch: an action for each of its targets. Raises SettingError."""
    _keys(spec, _ROUTE, where)
    names = spec.get("to")
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not names:
        raise SettingError("to is wanted: names of targets", where=where)
    for name in names:
        known_target(str(name), targets, where)
    try:
        matchers = tuple(matcher(str(text)) for text in spec.get("match", ()))
        grouping = grouping_of(spec)
        repeat = duration(spec["repeat_interval"]) if "repeat_interval" in spec else None
        for word in ("title", "body"):
            check(str(spec.get(word, "")))
    except (UserError, BadTemplate, ValueError) as error:
        raise SettingError(error.what if isinstance(error, UserError) else str(error), where=where) from None
    texts = {word: str(spec[word]) for word in ("title", "body") if word in spec}
    return [
        Action(
            name=f"route-{number}-{name}",
            kind="notify",
            config={"to": str(name), **texts},
            send_resolved=bool(spec.get("send_resolved", True)),
            matchers=matchers,
            repeat=repeat,
            grouping=grouping,
        )
        for name in names
    ]


def known_target(name: str, targets: Mapping[str, Target], where: str) -> Target:
    """The target of a name. Raises SettingError with the nearest one."""
    if name in targets:
        return targets[name]
    close = difflib.get_close_matches(name, list(targets), n=1)
    raise SettingError(
        f"unknown target {name!r}" + (f"; did you mean {close[0]}?" if close else ""),
        where=where,
        remedy="targets are named in the file of alert.notify.file",
    )
