"""A small parser of Logstash's configuration language, strict where Logstash is: enough to hold our pipelines against it.

A file is {"input": body, "filter": body, "output": body}; a body is a list of `Plugin` and `Branch`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

_TOKEN = re.compile(
    r"""(?P<space>(?:\s|\#[^\n]*\n)+)
    |(?P<string>"(?:\\"|[^"])*"|'(?:\\'|[^'])*')
    |(?P<regexp>(?<=~\s)/(?:\\/|[^/])*/)
    |(?P<arrow>=>)
    |(?P<operator>==|!=|<=|>=|=~|!~|<|>|!)
    |(?P<mark>[{}\[\](),])
    |(?P<number>-?[0-9]+(?:\.[0-9]*)?(?![A-Za-z_]))
    |(?P<word>[A-Za-z_@][A-Za-z0-9_@.-]*)""",
    re.VERBOSE,
)
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]+")


@dataclass
class Plugin:
    name: str
    settings: dict[str, Any]


@dataclass
class Branch:
    """Arms in order; the condition of `else` is empty. A condition is its tokens."""

    arms: list[tuple[list[str], list[Any]]] = field(default_factory=list)


class Parser:
    """Raises ValueError naming the line."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str, int]] = []
        position, line = 0, 1
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise ValueError(f"line {line}: cannot read {text[position : position + 30]!r}")
            if match.lastgroup != "space":
                self.tokens.append((match.lastgroup, match[0], line))
            line += match[0].count("\n")
            position = match.end()
        self.tokens.append(("end", "", text.count("\n") + 1))
        self.at = 0

    def take(self, text: str = "") -> str:
        kind, found, line = self.tokens[self.at]
        if kind == "end" or (text and found != text):
            raise ValueError(f"line {line}: {text or 'more'} wanted, not {found!r}")
        self.at += 1
        return found

    @property
    def next(self) -> str:
        return self.tokens[self.at][1]

    @property
    def kind(self) -> str:
        return self.tokens[self.at][0]

    def file(self) -> dict[str, list[Any]]:
        sections: dict[str, list[Any]] = {}
        while self.kind != "end":
            name = self.take()
            if name not in ("input", "filter", "output") or name in sections:
                raise ValueError(f"section {name!r}")
            sections[name] = self.body()
        return sections

    def body(self) -> list[Any]:
        self.take("{")
        found: list[Any] = []
        while self.next != "}":
            found.append(self.branch() if self.next == "if" else self.plugin())
        self.take("}")
        return found

    def branch(self) -> Branch:
        branch = Branch()
        self.take("if")
        branch.arms.append((self.condition(), self.body()))
        while self.next == "else":
            self.take()
            if self.next == "if":
                self.take()
                branch.arms.append((self.condition(), self.body()))
            else:
                branch.arms.append(([], self.body()))
                break
        return branch

    def condition(self) -> list[str]:
        found = []
        while self.next != "{":
            found.append(self.take())
        if not found or found.count("[") != found.count("]") or found.count("(") != found.count(")"):
            raise ValueError(f"condition {found}")
        return found

    def plugin(self) -> Plugin:
        name = self.take()
        self.take("{")
        settings: dict[str, Any] = {}
        while self.next != "}":
            key = self.take()
            if key in settings:
                raise ValueError(f"setting {key} of {name} twice")
            self.take("=>")
            settings[key] = self.value()
        self.take("}")
        return Plugin(name, settings)

    def value(self) -> Any:
        kind, text = self.kind, self.take()
        if kind == "string":
            return text[1:-1]
        if kind == "number":
            return float(text) if "." in text else int(text)
        if text == "[":
            return self.items()
        if text == "{":
            return self.entries()
        if kind == "word" and _BARE.fullmatch(text):
            return {"true": True, "false": False}.get(text, text)
        raise ValueError(f"no value: {text!r}")

    def items(self) -> list[Any]:
        found: list[Any] = []
        while self.next != "]":
            if found:
                self.take(",")
            found.append(self.value())
        self.take("]")
        return found

    def entries(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self.next != "}":
            key = self.value()
            if key in found:
                raise ValueError(f"key {key!r} twice")
            self.take("=>")
            found[key] = self.value()
        self.take("}")
        return found


@cache
def parse(text: str) -> dict[str, list[Any]]:
    """What is given is shared: do not change it."""
    return Parser(text).file()


def plugins(body: list[Any]) -> Iterator[Plugin]:
    for entry in body:
        if isinstance(entry, Plugin):
            yield entry
        else:
            for _, inner in entry.arms:
                yield from plugins(inner)


def conditions(body: list[Any]) -> Iterator[list[str]]:
    for entry in body:
        if isinstance(entry, Branch):
            for condition, inner in entry.arms:
                if condition:
                    yield condition
                yield from conditions(inner)
