"""`busyhour rollup|train|detect|alert|run`: the jobs that keep the answers up to date."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import click

from alerting import run_watches
from cli.commands.kpi_report import gathered
from cli.context import Context, examples, json_option, pass_context, say
from cli.kpi_ports import usage_days
from cli.learning import Learner
from cli.moments import moment, optional, span
from cli.output import emit_json, emit_pairs, progress
from cli.waking import newest, rest
from contracts.clock import iso
from contracts.errors import StoreUnavailable
from detectors import BaselinesInUse
from detectors import detect as detect_job
from detectors import train as train_job
from kpis.collecting import collect
from kpis.pipeline import rollup as rollup_job
from mediation.correlate import correlate
from mediation.sources import watch_sources
from reports.schedule import Postman
from servicedesk import AlertTickets, run_desk
from servicedesk.analytics import write_backlog
from servicedesk.channels.job import run_channels
from servicedesk.channels.pipeline import Channels


def _span_options(command: Any) -> Any:
    command = click.option("--until", help="Up to this time (UTC); now by default.")(command)
    return click.option("--since", help="From this time (UTC); where the job stopped last by default.")(command)


@click.command(epilog=examples("busyhour rollup", "busyhour rollup --since 2026-11-01 --until 2026-11-08 --json"))
@_span_options
@json_option
@pass_context
def rollup(context: Context, since: str | None, until: str | None, as_json: bool) -> None:
    """Roll CDRs up into KPI points: every bucket touched since the last run, late records included."""
    with progress("rolling up KPIs", quiet=as_json) as advance:
        report = rollup_job(
            context.store,
            since=optional(since),
            until=optional(until),
            progress=lambda what, done, total: advance(done, total),
        )
    _show(report, as_json)


@click.command(epilog=examples("busyhour train", "busyhour train --until 2026-11-01 --json"))
@click.option("--until", help="Learn from what was before this time (UTC); now by default.")
@json_option
@pass_context
def train(context: Context, until: str | None, as_json: bool) -> None:
    """Learn the baseline of every KPI and entity for every hour of the week."""
    with progress("learning baselines", quiet=as_json):
        report = train_job(context.store, until=moment(until, context.store.clock()))
    _show(report, as_json)
    if report.advice:
        say(report.advice)


@click.command(epilog=examples("busyhour detect", "busyhour detect --since 2026-11-01 --until 2026-11-08"))
@_span_options
@json_option
@pass_context
def detect(context: Context, since: str | None, until: str | None, as_json: bool) -> None:
    """Score KPI points against baselines and targets; write anomalies, incidents and service states."""
    with progress("detecting", quiet=as_json):
        report = detect_job(context.store, since=optional(since), until=moment(until, context.store.clock()))
    _show(report, as_json)
    if report.other_zone:
        say(_not_used(context, report.other_zone))


def _not_used(context: Context, zone: str) -> str:
    own = context.settings.text("network.timezone")
    return (
        f"baselines were learned in {zone} and network.timezone is {own}: nothing is judged by them until `busyhour train` "
        "has learned them anew"
    )


@click.command(epilog=examples("busyhour alert", "busyhour alert --since 2026-11-01 --until 2026-11-08 --every 5m"))
@_span_options
@click.option("--every", help="Over a past span: evaluate as if run so often; by each watch's own schedule without it.")
@json_option
@pass_context
def alert(context: Context, since: str | None, until: str | None, every: str | None, as_json: bool) -> None:
    """Evaluate the watches, notify, open and resolve tickets. Nothing is told twice."""
    with progress("evaluating watches", quiet=as_json) as advance:
        if since is None and until is None:
            watch_sources(context.store)  # what is late is known by the clock alone
        report = run_watches(
            context.store,
            since=optional(since),
            until=optional(until),
            every=span(every) if every else None,
            opener=AlertTickets(context.store),
            progress=advance,
        )
    _show(report, as_json)
    if report.problems:
        raise SystemExit(1)


@click.command(epilog=examples("busyhour run", "busyhour run --every 5m"))
@click.option("--every", default="1m", show_default=True, help="Longest pause: what comes in begins a round at once.")
@click.option("--rounds", type=click.IntRange(1), help="Stop after so many rounds; endless by default.")
@pass_context
def run(context: Context, every: str, rounds: int | None) -> None:
    """Run all jobs on a schedule: correlate, roll up, detect, alert; learn baselines once a day. Stop it with Ctrl-C.

    Learning has a process of its own, so that no bucket waits for it; only the very first one is waited for. An Elasticsearch
    that stays away longer than es.wait.sec is waited for again: nothing is lost.
    """
    pause = span(every).total_seconds()
    in_use = BaselinesInUse()
    postman = Postman(context.store, lambda start, end, title: gathered(context, start, end, title, forecasts=True))
    done = 0
    with Learner(context) as learner:
        while rounds is None or done < rounds:
            began, seen = time.monotonic(), None
            try:
                seen = newest(context.store)
                _round(context, learner, in_use, postman)
            except StoreUnavailable as error:
                say(f"busyhour: {error.sentence()}\n  the jobs go on as soon as it answers")
            done += 1
            if rounds is None or done < rounds:
                rest(context.store, began, pause, seen)


def _round(context: Context, learner: Learner, in_use: BaselinesInUse, postman: Postman) -> None:
    store = context.store
    now = store.clock()
    joined = correlate(store)
    rolled = rollup_job(store)
    learner.first()
    found = detect_job(store, until=now, in_use=in_use)
    watch_sources(store)
    told = run_watches(store, opener=AlertTickets(store))
    desk = run_desk(store, Channels(store, store.clock).tell)
    reached = run_channels(store)
    write_backlog(store)
    with usage_days(context) as usage:  # when everything is told: sources outside may be slow
        collected = collect(store, usage=usage)
    mailed, unsent = postman.send_due(now)
    say(
        f"{iso(now)} calls and sessions {joined.written}, points {rolled.written}, new anomalies {found.anomalies.new}, "
        f"open incidents {len(found.open_incidents)}, alerts firing {told.firing}, "
        f"tickets assigned {desk.assigned}, newly late {desk.breached}, messages filed {reached.filed}, sent {reached.sent}, "
        f"values collected {sum(collected.written.values())}, reports mailed {len(mailed)}"
    )
    for problem in (*joined.problems, *told.problems, *desk.problems, *reached.problems, *collected.problems, *unsent):
        say(f"  {problem}")
    if found.other_zone:
        say(f"  {_not_used(context, found.other_zone)}")
    learner.look()


def _show(report: Any, as_json: bool) -> None:
    values = report.as_dict() if hasattr(report, "as_dict") else asdict(report)
    if as_json:
        emit_json(values)
    else:
        emit_pairs({name.replace("_", " "): value for name, value in values.items()})
