"""The report's pictures: drawn once, as SVG for pages and PNG for paper and mail. Each has words that say what it shows."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from reports.content import Content, Funnel, Line, Outlook, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH = 10.0  # inches
_DPI = 150
_DAY = timedelta(days=1)
# Distinct also without colour sight (Okabe and Ito 2008).
_BLUE, _ORANGE, _GREEN, _RED, _GREY, _PURPLE = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#8a8f98", "#cc79a7"
_LINES = (_BLUE, _ORANGE, _GREEN, _PURPLE)
_MARKS = {"worse": (_RED, "v"), "better": (_GREEN, "^"), "other": (_ORANGE, "s"), "like the rest": (_BLUE, "o")}
MOST_SMALL = 9  # small pictures of KPIs against their target


class Picture(NamedTuple):
    """`words`: what it shows, for those who cannot see it. Size in inches."""

    name: str
    title: str
    words: str
    svg: bytes
    png: bytes
    width: float
    height: float


def pictures(content: Content) -> list[Picture]:
    """Those that there is something to draw for."""
    found = []
    if content.states:
        words = ", ".join(f"{each.service} fell to {each.lowest + 0:.0f}" for each in content.states)
        draw = lambda figure: _states(figure, content.states, content.start, content.end)  # noqa: E731
        found.append(_picture("states", "State of the services", words, 2.6, draw))
    aimed = _chosen(content.lines)
    if aimed:
        words = "; ".join(f"{_label(line)} {'missed' if line.level else 'held'}" for line in aimed)
        rows = -(-len(aimed) // 3)
        found.append(
            _picture("targets", "KPIs against their targets", words, 2.2 * rows, lambda f: _small(f, aimed, content))
        )
    if content.funnel and len(content.funnel.rows) > 2:
        funnel = content.funnel
        words = ", ".join(f"{row.entity} {row.word}" for row in funnel.rows)
        found.append(_picture("funnel", f"{funnel.name} by size", words, 3.4, lambda f: _funnel(f, funnel)))
    if content.outlooks:
        chosen = content.outlooks[:4]
        words = "; ".join(f"{each.kpi} crosses its target on {each.expected or 'no day expected'}" for each in chosen)
        rows = -(-len(chosen) // 2)
        found.append(_picture("outlooks", "What is expected", words, 2.5 * rows, lambda f: _outlooks(f, chosen)))
    return found


def _picture(name: str, title: str, words: str, height: float, draw: Callable[[Figure], None]) -> Picture:
    settings: Any = {"svg.hashsalt": name, "svg.fonttype": "path", "font.size": 8.5, "font.family": "DejaVu Sans"}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        draw(figure)
        svg, png = io.BytesIO(), io.BytesIO()
        FigureCanvasSVG(figure)
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        FigureCanvasAgg(figure)
        figure.savefig(png, format="png", dpi=_DPI, metadata={"Software": None})
    return Picture(name, title, words, svg.getvalue(), png.getvalue(), _WIDTH, height)


def _states(figure: Figure, states: Sequence[State], start: datetime, end: datetime) -> None:
    axes = figure.subplots()
    for state, colour in zip(states, _LINES * 4, strict=False):
        axes.step(_times(hour for hour, _ in state.hours), [value for _, value in state.hours],
                  where="post", color=colour, linewidth=1.3, label=state.service)  # fmt: skip
    axes.set_ylim(-3, 103)
    axes.set_ylabel("100: nothing deviates")
    axes.legend(loc="lower left", ncols=4, frameon=False)
    _dates(axes, start, end)


def _small(figure: Figure, lines: Sequence[Line], content: Content) -> None:
    rows = -(-len(lines) // 3)
    grid = figure.subplots(rows, 3, squeeze=False).ravel()
    first = min(day for line in lines for day, _ in line.days)
    for axes, line in zip(grid, lines, strict=False):
        _against_target(axes, line, content)
        _dates(axes, first, content.end)
    for axes in grid[len(lines) :]:
        axes.set_axis_off()


def _against_target(axes: Axes, line: Line, content: Content) -> None:
    factor = 100.0 if line.unit == "ratio" else 1.0
    days, values = _times(day for day, _ in line.days), [value * factor for _, value in line.days]
    axes.axvspan(*_times((content.start, content.end)), color="#f0f2f5", zorder=0)
    axes.plot(days, values, color=_RED if line.level else _BLUE, linewidth=1.4, marker=".", markersize=3)
    if line.target is not None:
        axes.axhline(line.target * factor, color=_GREY, linewidth=1, linestyle="--")
    for change in line.changes:
        axes.axvline(_times((change.at,))[0], color=_ORANGE, linewidth=1, linestyle=":")
    unit = "%" if line.unit == "ratio" else line.unit
    axes.set_title(f"{_label(line)} [{unit}]", fontsize=8.5, loc="left")
    axes.margins(y=0.15)


def _funnel(figure: Figure, funnel: Funnel) -> None:
    axes = figure.subplots()
    factor = 100.0 if funnel.unit == "ratio" else 1.0
    rows = sorted(funnel.rows, key=lambda row: row.samples)
    sizes = [row.samples for row in rows]
    low, high = [row.low for row in rows], [row.high for row in rows]
    if funnel.unit == "ratio":
        low, high = [max(each, 0.0) for each in low], [min(each, 1.0) for each in high]
    axes.fill_between(sizes, [each * factor for each in low], [each * factor for each in high], color="#e3e7ee",
                      label="like the rest (99.8 %)")  # fmt: skip
    axes.axhline(funnel.whole * factor, color=_GREY, linewidth=1, linestyle="--", label="all together")
    for word, (colour, marker) in _MARKS.items():
        own = [row for row in rows if row.word == word]
        if own:
            axes.scatter([row.samples for row in own], [row.value * factor for row in own], color=colour, marker=marker,
                         s=34, zorder=3, label=word if word != "like the rest" else None)  # fmt: skip
    for row in rows[-25:]:
        axes.annotate(row.entity.partition(":")[2][:24], (row.samples, row.value * factor), xytext=(6, 4),
                      textcoords="offset points", fontsize=8)  # fmt: skip
    axes.set_xlabel("samples in the period")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_ylabel("%" if funnel.unit == "ratio" else funnel.unit)
    axes.margins(x=0.08)
    axes.legend(frameon=False, loc="best")
    _plain(axes)


def _outlooks(figure: Figure, outlooks: Sequence[Outlook]) -> None:
    grid = figure.subplots(-(-len(outlooks) // 2), 2, squeeze=False).ravel()
    for axes, each in zip(grid, outlooks, strict=False):
        factor = 100.0 if each.unit == "ratio" else 1.0
        axes.plot(
            _times(day for day, _ in each.past), [value * factor for _, value in each.past], color=_BLUE, linewidth=1.3
        )
        ahead = _times(row[0] for row in each.days)
        mean, low, high = ([values[column] * factor for _, *values in each.days] for column in range(3))
        axes.fill_between(ahead, low, high, color="#cfe3f1", linewidth=0)
        axes.plot(ahead, mean, color=_BLUE, linewidth=1.3, linestyle="--")
        axes.axhline(each.target * factor, color=_GREY, linewidth=1, linestyle="--")
        unit = "%" if each.unit == "ratio" else each.unit
        axes.set_title(f"{each.kpi}, {each.entity.partition(':')[2]} [{unit}]", fontsize=8.5, loc="left")
        _dates(axes, each.past[0][0], each.days[-1][0] + _DAY)
    for axes in grid[len(outlooks) :]:
        axes.set_axis_off()


def _chosen(lines: Sequence[Line]) -> list[Line]:
    """With a target and a history: those that miss it first, of each KPI the first entity before the second of any."""
    aimed = [line for line in lines if line.target is not None and len(line.days) > 1]
    seen: dict[str, int] = {}
    places = []
    for line in sorted(aimed, key=lambda line: (not line.level, line.kpi, line.entity)):
        seen[line.kpi] = seen.get(line.kpi, 0) + 1
        places.append((not line.level, seen[line.kpi], line.kpi, line.entity, line))
    return [place[-1] for place in sorted(places, key=lambda place: place[:-1])][:MOST_SMALL]


def _label(line: Line) -> str:
    return f"{line.kpi}, {line.entity.partition(':')[2]}"


def _times(moments: Any) -> list[Any]:
    """As matplotlib draws them: UTC, without a zone of their own."""
    return [each.astimezone(UTC).replace(tzinfo=None) for each in moments]


def _dates(axes: Axes, start: datetime, end: datetime) -> None:
    locator = AutoDateLocator(minticks=2, maxticks=5)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(DateFormatter("%d %b"))  # type: ignore[no-untyped-call]
    axes.set_xlim(*_times((start, end)))
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e8ec", linewidth=0.6)
    axes.set_axisbelow(True)
