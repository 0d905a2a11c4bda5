"""What a dashboard, its panels and controls, a data view, a saved search and an alerting rule are. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, field

GRID_WIDTH = 48
ANY = "*"  # value of a variable that stands for all


@dataclass(frozen=True, slots=True)
class DataView:
    """`time`: field of the time picker, empty where there is none."""

    index: str
    title: str
    time: str


@dataclass(frozen=True, slots=True)
class Search:
    """A saved search (Discover session): KQL on a data view, or ES|QL when `esql`; `sort` highest first by this field."""

    name: str
    title: str
    description: str
    index: str
    columns: tuple[str, ...]
    sort: str
    query: str
    esql: bool = False
    may_be_empty: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """What a viewer may choose: values of a `field` of all panels' records, or a `variable` that queries have as `?name`.

    `query`: ES|QL that gives the values of a variable, one column. `index`: data view that the values of a field come from.
    """

    name: str
    label: str
    index: str
    field: str = ""
    variable: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line of a chart, or the value from which a tile has this colour; `label` names what it is."""

    value: float
    colour: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """To another dashboard, with time range and filters kept."""

    to: str
    label: str


@dataclass(frozen=True, slots=True)
class Panel:
    """`values`: result columns shown: a metric's value, y of a chart, columns of a table. `by`: columns that break it down.

    `good`: of a heat map, which end is the good one, `high` or `low`; empty: neither, as of traffic.
    `extra`: further columns by their part (max, min, goal, secondary, split). `help` says what it shows, `empty` why it may
    show nothing; `may_be_empty`: why it shows nothing even in the demo.
    """

    name: str
    title: str
    kind: str
    index: str
    query: str
    at: tuple[int, int, int, int]
    where: str = ""
    unit: str = ""
    values: tuple[str, ...] = ()
    x: str = ""
    by: tuple[str, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)
    thresholds: tuple[Threshold, ...] = ()
    colours: dict[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    legend: str = "right"
    shape: str = ""
    good: str = ""
    subtitle: str = ""
    text: str = ""
    help: str = ""
    empty: str = ""
    may_be_empty: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every result column that the panel uses: the query must give them."""
        names = (*self.by, self.x, *self.values, *self.extra.values())
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def heading(self) -> str:
        """The title with the unit, which is always shown."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def description(self) -> str:
        """What stands behind the panel's (i): what it shows, and what it means when it is empty."""
        return " ".join(part for part in (self.help, f"Empty: {self.empty}" if self.empty else "") if part)


@dataclass(frozen=True, slots=True, eq=False)  # each is read once, and what is made of it is kept by it
class Dashboard:
    """`time`: from and to, as Kibana writes them (`now-24h`, `now`). `audience`: who it is for; each becomes a tag."""

    name: str
    title: str
    description: str
    audience: tuple[str, ...]
    time: tuple[str, str]
    refresh_sec: int
    panels: tuple[Panel, ...]
    controls: tuple[Control, ...] = ()

    @property
    def variables(self) -> dict[str, str]:
        """Value of every ES|QL variable while nobody chose one."""
        return {control.variable: ANY for control in self.controls if control.variable}


@dataclass(frozen=True, slots=True)
class Rule:
    """A Kibana alerting rule on ES|QL: an alert a row. `every`: `5m`. `window`: `15m`, what ?_tstart and ?_tend span."""

    name: str
    title: str
    description: str
    index: str
    time: str
    query: str
    every: str
    window: str
    tags: tuple[str, ...] = ()
