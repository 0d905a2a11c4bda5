"""`busyhour evaluate`: what was found against a labelled truth."""

from __future__ import annotations

from pathlib import Path

import click

from cli.commands.bench_detect import minutes
from cli.context import Context, examples, json_option, pass_context, say
from cli.moments import moment
from cli.output import emit_json, emit_table
from detectors import evaluate_truth, read_truth
from detectors.booked import told_by_books
from detectors.pipeline import unknown_entities
from detectors.report import feedback_rows, page, write_page
from detectors.verdicts import verdicts


@click.command(
    epilog=examples(
        "busyhour evaluate traffic/truth.ndjson", "busyhour evaluate truth.ndjson --since 2026-11-01 --json"
    )
)
@click.argument("truth", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--since", help="Judge incidents from this time on (UTC); from the first labelled one by default.")
@click.option("--until", help="… up to this time (UTC); the end of the last labelled one by default.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with plots as well.")
@json_option
@pass_context
def evaluate(
    context: Context, truth: Path, since: str | None, until: str | None, html: Path | None, as_json: bool
) -> None:
    """Compare the stored incidents with the labelled ones: precision, recall, delay, false alarms, by incident type.

    Beside it what people said of the anomalies of that time (`busyhour anomaly mark`).
    """
    labels = read_truth(truth)
    start = moment(since, min((label.start for label in labels), default=context.store.clock()))
    end = moment(until, max((label.end for label in labels), default=context.store.clock()))
    result = evaluate_truth(context.store, truth, since=start, until=end)
    strange = unknown_entities(context.store, labels)
    for name, nearest in strange.items():
        say(
            f"no KPI point is of {name}{f' (did you mean {nearest}?)' if nearest else ''}: what names it cannot be found"
        )
    booked = told_by_books(context.store, labels)
    figures = {
        **result.as_dict(),
        "feedback": verdicts(context.store, start, end).as_dict(),
        "books": [one.as_dict() for one in booked],
    }
    if html is not None:
        write_page(html, page(figures, f"Detection against {truth.name}"))
    if as_json:
        emit_json({**figures, "unknown_entities": sorted(strange)})
        return
    rows = [
        [
            each.labelled,
            ", ".join(each.entities),
            each.title or "NOT FOUND",
            "–" if each.delay_s is None else f"{each.delay_s:.0f} s",
        ]
        for each in result.matches
    ]
    emit_table(("labelled", "entities", "found", "after"), rows)
    emit_table(
        ("type", "labelled", "scored", "found", "in time", "median delay"),
        [
            [one.type, one.labelled, one.scored, one.found, one.within_limit, minutes(one.median_delay_s)]
            for one in result.by_type()
        ],
    )
    if booked:
        emit_table(
            ("file fault", "told by the books", "after", "why"),
            [[one.labelled, "yes" if one.told else "NO", minutes(one.after_s), one.words] for one in booked],
        )
    emit_table(("what people said", "anomalies"), feedback_rows(figures["feedback"]))
    click.echo(
        f"precision {result.precision:.3f}, recall {result.recall:.3f}, F1 {result.f1:.3f}; false alarms "
        f"{len(result.false_alarms)} ({result.false_alarms_per_service_week:.2f} per service and week)"
    )
