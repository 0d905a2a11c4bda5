"""Writing Logstash's configuration language: plugins, conditions, comments, indented. Knows nothing of layouts.

Strings are taken literally by Logstash (`config.support_escapes` is off): there is no escape, so that a text with both kinds
of quotes cannot be written, and `${…}` and `%{…}` are replaced wherever they stand. Such texts are refused here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal

from contracts.errors import LayoutError

NOTE = "Rendered from mediation/layouts/ by `busyhour layouts render`: change the layouts, not this file."
Value = str | int | float | bool | Sequence["Value"] | Mapping[str, "Value"]
_WIDTH = 118  # a list that fits stays on its line


class Config:
    """Lines at the current indentation. Every plugin gets an id, and no two the same one."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0
        self._ids: set[str] = set()

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def line(self, text: str = "") -> None:
        self._lines.append("  " * self._depth + text if text else "")

    def comment(self, text: str) -> None:
        for line in text.splitlines():
            self.line(f"# {line}".rstrip())

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """`head {` … `}`."""
        self.line(f"{head} {{")
        self._depth += 1
        yield
        self._depth -= 1
        self.line("}")

    def plugin(self, name: str, key: str, settings: Mapping[str, Value]) -> None:
        """One plugin with its `id`. Raises LayoutError on an id that was used before."""
        if key in self._ids:
            raise LayoutError(f"two Logstash plugins would have the id {key!r}")
        self._ids.add(key)
        with self.block(name):
            for setting, value in {"id": key, **settings}.items():
                self._setting(setting, value)

    def _setting(self, name: str, value: Value) -> None:
        if isinstance(value, Mapping):
            with self.block(f"{name} =>"):
                for key, entry in value.items():
                    self._setting(quoted(key), entry)
            return
        line = f"{name} => {written(value)}"
        if isinstance(value, str) or not isinstance(value, Sequence) or len("  " * self._depth + line) <= _WIDTH:
            self.line(line)
            return
        self.line(f"{name} => [")
        for index, entry in enumerate(value):
            self.line(f"  {written(entry)}" + ("," if index < len(value) - 1 else ""))
        self.line("]")


def written(value: Value) -> str:
    """A value as Logstash reads it; a mapping on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int | float):
        return format(Decimal(repr(value)), "f")  # the language has no exponents
    if isinstance(value, Mapping):
        return "{ " + " ".join(f"{quoted(key)} => {written(entry)}" for key, entry in value.items()) + " }"
    return "[" + ", ".join(written(entry) for entry in value) + "]"


def quoted(text: str) -> str:
    """A string between quotes. Raises LayoutError on a text that the language cannot hold."""
    mark = "'" if '"' in text else '"'
    if mark in text or text.endswith("\\") or f"\\{mark}" in text or "\n" in text:
        raise LayoutError(f"Logstash's configuration language cannot hold the text {text!r}")
    return f"{mark}{text}{mark}"


def literal(text: str) -> str:
    """`text`, if Logstash leaves it as it is. Raises LayoutError on `${…}` and `%{…}`, which it would replace."""
    if "${" in text or "%{" in text:
        raise LayoutError(f"Logstash would replace a part of {text!r}")
    return text


def reference(field: str) -> str:
    """`voip.pdd.ms` → `[voip][pdd][ms]`."""
    return "".join(f"[{part}]" for part in field.split("."))


def raw(column: str) -> str:
    """Where the csv filter puts a column."""
    return f"[raw][{column}]"
