"""Writing Python source: indented lines, and the expression that builds a nested document without absent fields."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class Writer:
    """Lines at the current indentation."""

    def __init__(self, depth: int = 0) -> None:
        self._lines: list[str] = []
        self._depth = depth

    def line(self, text: str) -> None:
        self._lines.append("    " * self._depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.line(head)
        self._depth += 1
        yield
        self._depth -= 1

    def text(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)


@dataclass(slots=True)
class _Node:
    """`leaves`: key → (expression, test); an empty test: always there."""

    leaves: dict[str, tuple[str, str]] = field(default_factory=dict)
    children: dict[str, _Node] = field(default_factory=dict)

    @property
    def certain(self) -> bool:
        return any(not test for _, test in self.leaves.values()) or any(node.certain for node in self.children.values())


class DocumentSource:
    """Collects dotted fields; writes the statements that build the nested document."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, name: str, expression: str, *, test: str = "") -> None:
        """`test`: expression that is false when the field is absent; empty when it never is."""
        *path, last = name.split(".")
        node = self._root
        for part in path:
            node = node.children.setdefault(part, _Node())
        node.leaves[last] = (expression, test)

    def write(self, out: Writer, variable: str) -> None:
        self._write(out, self._root, variable)

    def _write(self, out: Writer, node: _Node, variable: str) -> None:
        pairs = [f"{key!r}: {expression}" for key, (expression, test) in node.leaves.items() if not test]
        optional = []
        for key, child in node.children.items():
            if not child.children and len(child.leaves) == 1:
                ((leaf, (expression, test)),) = child.leaves.items()
                text = f"{{{leaf!r}: {expression}}}"
                if test:
                    optional.append(f"if {test}: {variable}[{key!r}] = {text}")
                else:
                    pairs.append(f"{key!r}: {text}")
                continue
            name = f"{variable}_{key}"
            self._write(out, child, name)
            if child.certain:
                pairs.append(f"{key!r}: {name}")
            else:
                optional.append(f"if {name}: {variable}[{key!r}] = {name}")
        out.line(f"{variable} = {{{', '.join(pairs)}}}")
        for key, (expression, test) in node.leaves.items():
            if test:
                out.line(f"if {test}: {variable}[{key!r}] = {expression}")
        for line in optional:
            out.line(line)
