"""The one page that the demo ends with."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from cli.demo import DAYS, TRAINED_DAYS, Demo
from cli.output import emit_table
from contracts.clock import iso, parse_iso
from usage.render import render


def show(demo: Demo) -> None:
    """Service states, incidents beside the labelled truth, alerts, tickets, rates, and what to type next."""
    _head(demo)
    _states(demo)
    _incidents(demo)
    _tickets(demo)
    _story(demo)
    _reports(demo)
    _foot(demo)


def _head(demo: Demo) -> None:
    first, last = iso(demo.start)[:10], iso(demo.end)[:10]
    click.echo(f"\nBusyhour demo · {DAYS} days of traffic, {first} to {last} · a real Elasticsearch on this machine\n")
    if demo.ingested and demo.generated:
        report = demo.ingested
        click.echo(
            f"  {report.lines:,} CDRs in {len(report.files):,} files = {report.indexed:,} indexed + "
            f"{report.duplicate:,} duplicate + {report.rejected:,} rejected; {report.lines / report.seconds:,.0f} records/s"
        )
    if demo.sampled:
        report = demo.sampled
        click.echo(
            f"  sample_data/: {report.lines:,} lines of {len({each.layout for each in report.files})} formats = "
            f"{report.indexed:,} indexed + {report.duplicate:,} duplicate + {report.rejected:,} rejected"
        )
    if demo.correlated:
        joined = demo.correlated
        click.echo(
            f"  {joined.epc.made:,} data sessions put together from {joined.epc.marked:,} partial records, "
            f"{joined.late_total:,} records too late"
        )
    if demo.rolled and demo.trained and demo.detected:
        click.echo(
            f"  {demo.rolled.written:,} KPI points · {demo.trained.series:,} series with a baseline for every hour of the week"
        )
    click.echo(f"  {demo.customers:,} customers\n")


def _states(demo: Demo) -> None:
    rows = [
        [
            each["service"],
            round(demo.lowest.get(each["service"], 100)),
            round(each["value"]),
            each["word"],
            str(each["at"])[:16],
        ]
        for each in demo.states
    ]
    emit_table(
        ("service", "lowest in the judged days", "at the end", "word", "end of the data"),
        rows,
        title="Service states (100: nothing deviates)",
    )


def _incidents(demo: Demo) -> None:
    rows = []
    for each in demo.judged.matches:
        ticket = demo.ticket_of(each.found) if each.found else None
        rows.append(
            [
                f"{each.type.replace('_', ' ')}, {', '.join(each.entities)}",
                each.title or "NOT FOUND",
                "–" if each.delay_s is None else f"{each.delay_s / 60:.0f} min",
                "yes" if each.found and demo.alert_of(each.found) else "NO",
                ticket.id if ticket else "NO",
                ticket.impacted_customers if ticket else 0,
            ]
        )
    headings = ("labelled truth", "what we found", "after", "alert", "ticket", "customers")
    emit_table(headings, rows, title="Incidents: the truth beside what was found")


def _story(demo: Demo) -> None:
    """One incident from its beginning to the ticket's end, as it is stored."""
    ticket = demo.told
    found = next((one for one in demo.judged.matches if ticket and one.found == ticket.incident), None)
    if ticket is None or found is None:
        return
    alert = demo.alert_of(found.found)
    label = next(one for one in demo.truth if one.id == found.labelled)
    if alert is None:
        return
    fired = alert["alert"]
    lines = [(label.start, f"the fault begins: {label.description}")]
    lines.append((label.start + timedelta(seconds=found.delay_s or 0), f"found: {found.title}"))
    lines.append((parse_iso(fired["starts_at"]), f"alert {fired['name']}, {fired['severity']}"))
    for each in ticket.history:
        change = " → ".join(str(each[key]) for key in ("from", "to") if each.get(key))
        lines.append((parse_iso(each["at"]), f"ticket {ticket.id}: {each['what']} {change}, by {each['by']}"))
    lines.append((label.end, "the fault ends"))
    if fired.get("ends_at"):
        lines.append((parse_iso(fired["ends_at"]), "the alert resolves"))
    some = f", {', '.join(ticket.customer_ids[:3])} among them" if ticket.customer_ids else ""
    click.echo(
        f"\n  One of them from its beginning to its end ({ticket.impacted_customers:,} customers feel it{some}):"
    )
    for at, text in sorted(lines, key=lambda line: line[0]):
        click.echo(f"    {iso(at)[:16].replace('T', ' ')}  {text}")


def _reports(demo: Demo) -> None:
    """Two small usage reports, and what the KPI report says."""
    for each in demo.reports.usage:
        click.echo("\n" + render(each, "table"))
    if demo.reports.files:
        click.echo(f"\nKPI report: {', '.join(str(path) for path in demo.reports.files)}")
        for sentence in demo.reports.kpis:
            click.echo(f"  {sentence}")


def _tickets(demo: Demo) -> None:
    false = demo.false_alerts
    quiet = [alert for alert in false if alert["alert"]["starts_at"] < iso(_incidents_from(demo))]
    click.echo(
        f"  {len(demo.alerts)} alerts, {len(demo.tickets)} tickets; {len(false)} false alerts in the "
        f"{DAYS - TRAINED_DAYS} judged days, {len(quiet)} of them in the quiet week"
    )
    for alert in false:
        click.echo(f"    false: {alert['alert']['starts_at'][:16]} {alert['alert']['summary']}")
    reasons = [(each.labelled, demo.alert_of(each.found)) for each in demo.judged.matches if each.found]
    shown = next((alert for _, alert in reasons if alert), None)
    if shown:
        click.echo(f"\n  An alert as the night shift reads it:\n    {shown['alert']['summary']}")
        for line in str(shown["alert"].get("reason", "")).splitlines():
            click.echo(f"    {line}")


def _incidents_from(demo: Demo) -> datetime:
    return demo.end - timedelta(days=3)


def _foot(demo: Demo) -> None:
    stages = ", ".join(f"{stage} {seconds:.0f} s" for stage, seconds in demo.took.items() if seconds >= 1)
    click.echo(f"\n  {demo.seconds:.0f} s in all: {stages}\n")
    click.echo("What to type next (the node goes on running; `make down` stops it):")
    ticket = demo.tickets[0].id if demo.tickets else "T-…"
    for command, what in (
        ("busyhour incident list", "what is wrong, since when, how badly"),
        ("busyhour kpi show --entity trunk_group:TG2", "KPIs of a trunk group, hour by hour"),
        ("busyhour baseline show --kpi voip.asr --entity trunk_group:TG2", "what is normal for each hour of the week"),
        (f"busyhour ticket show {ticket}", "who works on it, who feels it"),
        (f"busyhour diagnose {_customer(demo)}", "what is wrong with one customer's service, and what to do next"),
        ("busyhour kpi report --period week --format pdf", "a management page with pictures"),
        ("busyhour rejects list", "lines that are not records, and why"),
        ("busyhour ingest YOUR-FILES", "your own CDRs; `busyhour layouts list` shows the formats"),
    ):
        click.echo(f"  .venv/bin/{command:<70} {what}")


def _customer(demo: Demo) -> str:
    """Somebody whom an incident touched."""
    return next((one.customer_ids[0] for one in demo.tickets if one.customer_ids), "C0000001")
