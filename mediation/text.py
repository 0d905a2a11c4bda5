"""The JSON text of a document as the source of one f-string, with pieces that are empty where a field is absent.

A document has fields that change from line to line (group 0), and groups of fields that follow from cells whose combinations
repeat: the text of a group is made in a function of its own, whose answers `mediation.encode` remembers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mediation.source import Writer

Remember = Callable[[int, str, str], None]


@dataclass(slots=True)
class Leaf:
    """One field: `value` an f-string piece; `test` true where it is present, empty: always.

    `memo`: the column whose whole text is remembered; its text before and behind the value is told to `Remember`.
    """

    value: str
    test: str = ""
    memo: int | None = None
    group: int = 0


@dataclass(slots=True)
class Node:
    leaves: dict[str, Leaf] = field(default_factory=dict)
    children: dict[str, Node] = field(default_factory=dict)

    def put(self, name: str, leaf: Leaf) -> None:
        *path, last = name.split(".")
        node = self
        for part in path:
            node = node.children.setdefault(part, Node())
        node.leaves[last] = leaf

    @property
    def groups(self) -> set[int]:
        """Groups of all leaves below."""
        below = [child.groups for child in self.children.values()]
        return {leaf.group for leaf in self.leaves.values()}.union(*below)

    @property
    def only(self) -> tuple[str, Leaf] | None:
        """Path and leaf where there is nothing else below."""
        if len(self.leaves) + len(self.children) != 1:
            return None
        if self.leaves:
            return next(iter(self.leaves.items()))
        ((name, child),) = self.children.items()
        below = child.only
        return below and (f"{name}.{below[0]}", below[1])


@dataclass(slots=True)
class _Members:
    """f-string texts of an object's members: those always there, and those that are empty or begin with a comma."""

    sure: list[str] = field(default_factory=list)
    maybe: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.sure or self.maybe)

    @property
    def text(self) -> str:
        return ",".join(self.sure) + "".join(self.maybe)


class DocumentText:
    """Writes the statements that make the pieces, each into the writer of its group."""

    def __init__(self, writers: Mapping[int, Writer], remember: Remember) -> None:
        self._writers = writers
        self._remember = remember
        self._pieces = 0

    def write(self, root: Node, last: str) -> str:
        """The whole document; `last` is a member that stands at its end."""
        return f"{{{{{self._outer(root).text},{last}}}}}"

    def _outer(self, node: Node) -> _Members:
        """Members as group 0 sees them: those of another group are one piece."""
        parts = self._split(node)
        outer = parts.pop(0, _Members())
        for group, members in parts.items():
            piece = self._assigned(group, f"f'{members.text}'")
            (outer.sure if members.sure else outer.maybe).insert(0, piece)
        return outer

    def _split(self, node: Node) -> dict[int, _Members]:
        parts: dict[int, _Members] = defaultdict(_Members)
        for name, leaf in node.leaves.items():
            self._leaf(parts[leaf.group], f'"{name}":', "", leaf)
        for name, child in node.children.items():
            below = child.only
            if below is not None:
                path = [name, *below[0].split(".")]
                before = f'"{path[0]}":' + "".join(f'{{{{"{part}":' for part in path[1:])
                self._leaf(parts[below[1].group], before, "}}" * (len(path) - 1), below[1])
                continue
            groups = child.groups
            group = groups.pop() if len(groups) == 1 else 0
            self._object(parts[group], name, self._split(child)[group] if group else self._outer(child), group)
        return parts

    def _leaf(self, members: _Members, before: str, after: str, leaf: Leaf) -> None:
        if not leaf.test:
            if leaf.memo is not None:
                self._remember(leaf.memo, "", "")
            members.sure.append(before + leaf.value + after)
            return
        before = "," + before
        if leaf.memo is not None:
            self._remember(leaf.memo, before.replace("{{", "{"), after.replace("}}", "}"))
            before = after = ""
            if leaf.test in leaf.value:  # the remembered text itself: empty when absent
                members.maybe.append(leaf.value)
                return
        members.maybe.append(self._assigned(leaf.group, f"f'{before}{leaf.value}{after}' if {leaf.test} else ''"))

    def _object(self, into: _Members, name: str, members: _Members, group: int) -> None:
        if members.sure:
            into.sure.append(f'"{name}":{{{{{members.text}}}}}')
            return
        piece = self._assigned(group, f"f'{members.text}'")
        variable = piece[1:-1]
        self._writers[group].line(f"if {variable}: {variable} = f',\"{name}\":{{{{{{{variable}[1:]}}}}}}'")
        into.maybe.append(piece)

    def _assigned(self, group: int, expression: str) -> str:
        self._pieces += 1
        self._writers[group].line(f"p{self._pieces} = {expression}")
        return f"{{p{self._pieces}}}"


def tests(parts: Sequence[str]) -> str:
    """All of them."""
    return " and ".join(part for part in parts if part)
