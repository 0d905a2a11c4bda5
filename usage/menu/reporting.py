"""Reports at the console, on the screen or into a file."""

from __future__ import annotations

from pathlib import Path

from contracts.errors import UserError
from usage.analytics import activity, peak_hours, pipeline, top, trend
from usage.analytics.pipeline import REPORTS, Wanted
from usage.analytics.report import Report
from usage.menu.screen import Back
from usage.menu.session import Session, ask_period
from usage.records.customers import show_customer
from usage.render import render
from usage.text.files import write_whole

_TITLES = {
    "customer": "usage of one customer",
    "network": "network summary",
    "peak-hours": "peak usage hours",
    "revenue": "revenue by plan and stream",
    "top": "top customers",
    "trend": "trend over time",
    "plans": "share by plan",
    "activity": "active customers and those at risk",
}
_FILE_FORMATS = ("csv", "json", "markdown", "table")


def report_menu(session: Session) -> None:
    """Shows reports until the user goes back."""
    while True:
        name = _name(session, "Reports")
        try:
            session.screen.say()
            session.screen.say(render(_made(session, name), "table").rstrip("\n"))
        except Back:
            continue


def export_menu(session: Session) -> None:
    """Writes reports to files until the user goes back."""
    while True:
        name = _name(session, "Export a report to a file")
        try:
            report = _made(session, name)
            form = _FILE_FORMATS[session.screen.choose("Format", _FILE_FORMATS, default=0)]
            file = session.screen.ask("File", _new_file, hint="it must not be there yet")
            write_whole(file, render(report, form))
            session.screen.say(f"Written: {file}, {len(report.rows)} rows")
        except Back:
            continue


def _name(session: Session, title: str) -> str:
    names = list(REPORTS)
    return names[session.screen.choose(title, [_TITLES[name] for name in names])]


def _made(session: Session, name: str) -> Report:
    wanted = _wanted(session, name)
    return pipeline.report(session.store, name, ask_period(session), session.tariffs, wanted)


def _wanted(session: Session, name: str) -> Wanted:
    """What this report needs to know."""
    if name == "customer":
        return Wanted(customer=session.screen.ask("Customer", lambda text: _known(session, text), hint="id"))
    choices = {"top": tuple(top.BY), "trend": trend.STEPS, "peak-hours": peak_hours.BY}.get(name)
    if choices:
        return Wanted(by=choices[session.screen.choose("By", choices, default=0)])
    if name == "activity":
        states = ("at risk and silent", *activity.STATES)
        chosen = session.screen.choose("Customers who are", states, default=0)
        return Wanted(state="" if chosen == 0 else states[chosen])
    return Wanted()


def _known(session: Session, text: str) -> str:
    try:
        return str(show_customer(session.store, text)["id"])
    except UserError as error:
        raise ValueError(error.what) from None


def _new_file(text: str) -> Path:
    path = Path(text).expanduser()
    if "\0" in text or not text.isprintable():
        raise ValueError("that is no name of a file")
    if path.exists():
        raise ValueError(f"{text[:80]!r} is there already")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {str(path.parent)[:80]!r}")
    return path
