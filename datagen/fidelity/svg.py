"""Small plots as inline SVG. Real is blue, filled and solid, synthetic is orange and dashed: told apart without colour too.

The two are from Okabe and Ito's palette for all kinds of colour vision (2008); heat goes by lightness, dark blue to yellow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

REAL, SYNTHETIC = "#0072B2", "#D55E00"
_HEAT = ((0.0, (0, 32, 77)), (0.5, (124, 123, 120)), (1.0, (255, 234, 70)))  # the ends and the middle of cividis
_INK, _FAINT = "#333", "#ddd"
Line = Sequence[float | None]


def svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    """A picture that says in words what it shows."""
    head = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    body = "\n".join(parts)
    return f'{head} xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>\n{body}</svg>'


def text(
    x: float, y: float, words: str, *, size: int = 11, anchor: str = "start", turn: int = 0, fill: str = _INK
) -> str:
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    where = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}"{turned}'
    return f"<text {where}>{escape(words)}</text>"


def box(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" fill="{fill}" {more}/>'


def shade(score: float) -> tuple[str, str]:
    """Colour of a score 0–1, and the ink that can be read on it."""
    score = min(max(score, 0.0), 1.0)
    (low, first), (high, second) = _HEAT[:2] if score < 0.5 else _HEAT[1:]
    part = (score - low) / (high - low)
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(first, second, strict=True))
    return f"rgb({red},{green},{blue})", "#000" if score > 0.55 else "#fff"


def bars(rows: Sequence[tuple[str, float | None, str]], title: str) -> str:
    """Horizontal bars 0–1 with their values; a row is name, score, and what is said behind it."""
    left, wide, step = 230, 320, 20
    parts = [
        f'<line x1="{left + wide * tick:.1f}" y1="0" x2="{left + wide * tick:.1f}" y2="{step * len(rows)}" stroke="{_FAINT}"/>'
        for tick in (0, 0.25, 0.5, 0.75, 1)
    ]
    for number, (name, score, note) in enumerate(rows):
        y = number * step
        parts.append(text(left - 8, y + 14, cut(name, 34), anchor="end"))
        if score is None:
            parts.append(text(left + 4, y + 14, f"not defined {note}"))
            continue
        parts.append(box(left, y + 4, wide * score, step - 8, REAL))
        parts.append(text(left + wide + 8, y + 14, f"{score:.3f} {note}"))
    for tick in (0, 0.5, 1):
        parts.append(text(left + wide * tick, step * len(rows) + 14, f"{tick:g}", size=10, anchor="middle"))
    return svg(left + wide + 170, step * len(rows) + 20, title, parts)


def heat_map(names: Sequence[str], scores: dict[tuple[str, str], tuple[float | None, bool]], title: str) -> str:
    """A triangle of scores of pairs; a pair that does not count is a small square."""
    cell, left, top = 26, 230, 150
    parts = []
    for row, name in enumerate(names):
        y = top + row * cell
        parts.append(text(left - 8, y + 17, cut(name, 34), anchor="end"))
        parts.append(text(left + row * cell + 15, y - 6, cut(name, 24), turn=-55))
        for column, other in enumerate(names[:row]):
            score, counts = scores.get((other, name), (None, False))
            if score is None:
                continue
            colour, ink = shade(score)
            x = left + column * cell
            if counts:
                parts.append(box(x, y, cell - 1, cell - 1, colour))
                parts.append(text(x + cell / 2 - 0.5, y + 16, f"{100 * score:.0f}", size=10, anchor="middle", fill=ink))
            else:
                parts.append(box(x + 8, y + 8, cell - 17, cell - 17, colour, 'stroke="#999" stroke-width="0.5"'))
    side = cell * len(names)
    return svg(left + side + 150, top + side + 6, title, parts)


def lines(real: Line, synthetic: Line, title: str, ticks: Sequence[tuple[int, str]], *, width: int = 760) -> str:
    """Two curves over the same places; None is a gap. `ticks`: place → word below the axis."""
    height, left, bottom = 190, 46, 24
    known = [value for value in (*real, *synthetic) if value is not None]
    low, high = min((0.0, *known)), max((*known, 1e-9))
    across, tall = width - left - 10, height - bottom - 10

    def place(index: float, value: float) -> str:
        x = left + across * index / max(len(real) - 1, 1)
        return f"{x:.1f},{10 + tall * (1 - (value - low) / (high - low)):.1f}"

    parts = []
    for value in (low, (low + high) / 2, high):
        y = 10 + tall * (1 - (value - low) / (high - low))
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{width - 10}" y2="{y:.1f}" stroke="{_FAINT}"/>')
        parts.append(text(left - 5, y + 4, f"{value:.3g}", size=10, anchor="end"))
    for index, word in ticks:
        x = left + across * index / max(len(real) - 1, 1)
        parts.append(text(x, height - 6, word, size=10, anchor="middle"))
    parts += _curve(real, place, f'stroke="{REAL}" stroke-width="2.5"')
    parts += _curve(synthetic, place, f'stroke="{SYNTHETIC}" stroke-width="1.8" stroke-dasharray="5 3"')
    return svg(width, height, title, parts)


def _curve(values: Line, place: Callable[[float, float], str], style: str) -> list[str]:
    pieces: list[list[str]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append(place(index, value))
    return [f'<polyline points="{" ".join(piece)}" fill="none" {style}/>' for piece in pieces if piece]


def histogram(real: Sequence[float], synthetic: Sequence[float], low: str, high: str, title: str) -> str:
    """Shares of both sides in the same bins: the real one filled, the synthetic one as a dashed outline."""
    width, height, across, tall = 236, 120, 226, 84
    most = max((*real, *synthetic, 1e-9))
    step = across / max(len(real), 1)
    parts = [
        box(5 + index * step, 10 + tall * (1 - value / most), step, tall * value / most, REAL, 'fill-opacity="0.55"')
        for index, value in enumerate(real)
    ]
    points = [f"5,{10 + tall}"]
    for index, value in enumerate(synthetic):
        y = 10 + tall * (1 - value / most)
        points += [f"{5 + index * step:.1f},{y:.1f}", f"{5 + (index + 1) * step:.1f},{y:.1f}"]
    points.append(f"{5 + across},{10 + tall}")
    parts.append(
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{SYNTHETIC}" stroke-width="1.8" stroke-dasharray="5 2"/>'
    )
    parts += [
        text(5, height - 10, low, size=10),
        text(5 + across, height - 10, high, size=10, anchor="end"),
        text(5 + across, 10, f"{100 * most:.0f} %", size=9, anchor="end"),
    ]
    return svg(width, height, title, parts)


def words(rows: Sequence[tuple[str, float, float]], title: str) -> str:
    """Shares of words, both sides below one another; a row is word, real, synthetic."""
    step, left, wide = 22, 96, 100
    most = max((max(real, synthetic) for _, real, synthetic in rows), default=1e-9)
    parts = []
    for number, (word, real, synthetic) in enumerate(rows):
        y = number * step
        parts.append(text(left - 6, y + 15, cut(word, 15), size=10, anchor="end"))
        parts.append(box(left, y + 3, wide * real / most, 8, REAL))
        dashes = f'stroke="{SYNTHETIC}" stroke-dasharray="3 2" stroke-width="1.2"'
        parts.append(box(left, y + 12, wide * synthetic / most, 7, "#fbe3d3", dashes))
        parts.append(text(left + wide + 4, y + 15, f"{100 * real:.0f} {100 * synthetic:.0f} %", size=9))
    return svg(256, step * len(rows) + 4, title, parts)


def cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"
