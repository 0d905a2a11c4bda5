"""In which order formulas are worked out, so that each finds its inputs; a circle is refused and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contracts.errors import DefinitionError


def in_order(needs: Mapping[str, Sequence[str]], where: str = "") -> list[str]:
    """Every id after those that it needs. Ids that need nothing may be missing as keys. Raises DefinitionError on a circle."""
    done: dict[str, bool] = {}  # False: under way
    order: list[str] = []
    for first in sorted(needs):
        path: list[tuple[str, int]] = [(first, 0)]
        while path:
            name, position = path.pop()
            if position == 0:
                if done.get(name):
                    continue
                done[name] = False
            wanted = needs.get(name, ())
            if position == len(wanted):
                done[name] = True
                order.append(name)
                continue
            path.append((name, position + 1))
            following = wanted[position]
            if done.get(following) is False:
                raise _circle([*(each for each, _ in path), following], where)
            if following not in done:
                path.append((following, 0))
    return [name for name in order if name in needs]


def _circle(path: list[str], where: str) -> DefinitionError:
    circle = path[path.index(path[-1]) :]
    return DefinitionError(
        f"the formulas go in a circle: {' → '.join(circle)}", where=where, remedy="take one of them out of the circle"
    )
