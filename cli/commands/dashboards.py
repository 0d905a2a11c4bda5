"""`busyhour dashboards`: what Kibana shows, built from YAML, checked against Elasticsearch, installed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click

from cli.context import Context, examples, json_option, pass_context, say
from cli.moments import moment
from cli.output import emit_json, emit_pairs, emit_table
from contracts.errors import OperatorError, UserError
from dashboards import Answer, Definitions, ask_all, load, write_built
from dashboards import push as push_objects
from infrastructure.kibana import Kibana, account
from infrastructure.store import Store

ROOT = Path(__file__).resolve().parents[2]
_DAYS = 7
_WAIT_SEC = 5  # for an Elasticsearch that is away: a check of YAML needs none
_Folder = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group(epilog=examples("busyhour dashboards check", "busyhour dashboards push"))
def dashboards() -> None:
    """Kibana's dashboards, saved searches and alerting rules, defined in kibana/."""


@dashboards.command(epilog=examples("busyhour dashboards build", "busyhour dashboards build --root . --json"))
@click.option("--root", type=_Folder, default=ROOT, help="Folder that holds kibana/; the checkout by default.")
@json_option
def build(root: Path, as_json: bool) -> None:
    """Write kibana/saved_objects/ from the YAML in kibana/: only what changed; what nothing asks for any more is removed."""
    changed = write_built(root)
    if as_json:
        emit_json({"changed": changed})
    else:
        click.echo("\n".join(f"written: {path}" for path in changed) or "nothing to do: all of it is up to date")


@dashboards.command(
    epilog=examples("busyhour dashboards check", "busyhour dashboards check --until 2026-11-21 --days 28 --json")
)
@click.option("--root", type=_Folder, default=ROOT, help="Folder that holds kibana/; the checkout by default.")
@click.option("--until", help="End of the time range that queries are asked for (UTC); now by default.")
@click.option("--days", type=click.IntRange(1, 400), default=_DAYS, show_default=True, help="Length of the time range.")
@json_option
@pass_context
def check(context: Context, root: Path, until: str | None, days: int, as_json: bool) -> None:
    """Check the YAML; where Elasticsearch can be reached, ask every query there and name those that are wrong or empty."""
    found = load(root)
    answers = _answers(context, found, until, days)
    wrong = [answer for answer in answers or () if answer.problem]
    empty = _unexpectedly_empty(found, answers or ())
    if as_json:
        emit_json(
            {
                "dashboards": len(found.boards),
                "panels": sum(len(board.panels) for board in found.boards),
                "searches": len(found.searches),
                "rules": len(found.rules),
                "asked": None if answers is None else len(answers),
                "wrong": [asdict(answer) for answer in wrong],
                "empty": [answer.name for answer in empty],
            }
        )
    else:
        asked = "nothing was asked" if answers is None else f"{len(answers)} queries asked"
        click.echo(
            f"{len(found.boards)} dashboards, {len(found.searches)} searches and {len(found.rules)} rules; {asked}"
        )
        emit_table(("what", "name", "wrong"), [[a.kind, a.name, a.problem] for a in wrong], title="wrong")
        emit_table(("what", "name"), [[a.kind, a.name] for a in empty], title="empty in this time range")
    if wrong:
        raise UserError(f"{len(wrong)} queries are wrong, first {wrong[0].name}: {wrong[0].problem}", where="kibana/")


@dashboards.command(
    epilog=examples("busyhour dashboards push", "busyhour dashboards push --space noc --no-rules --json")
)
@click.option("--root", type=_Folder, default=ROOT, help="Folder that holds kibana/; the checkout by default.")
@click.option("--space", help="Kibana space, made unless it is there; the setting kibana.space by default.")
@click.option("--rules/--no-rules", default=True, show_default=True, help="Install the alerting rules, too.")
@json_option
@pass_context
def push(context: Context, root: Path, space: str | None, rules: bool, as_json: bool) -> None:
    """Install dashboards, searches, data views, tags and rules into the Kibana of kibana.url. Again changes nothing else."""
    kibana = Kibana(account(context.settings), space or context.settings.text("kibana.space"))
    try:
        report = push_objects(kibana, root, rules=rules)
    finally:
        kibana.close()
    if as_json:
        emit_json(asdict(report))
        return
    emit_pairs(
        {
            "Kibana": report.version,
            "space": report.space + (" (made)" if report.space_made else ""),
            "objects": sum(report.objects.values()),
            "rules made": report.rules_made,
            "rules that were there": report.rules_changed,
        }
    )


def _answers(context: Context, found: Definitions, until: str | None, days: int) -> list[Answer] | None:
    """None, said on stderr, where no Elasticsearch can be reached."""
    try:
        store = Store.connect(context.settings.with_values(es_wait_sec=_WAIT_SEC), say=say)
    except OperatorError as error:
        say(f"only the YAML is checked: {error.sentence()}")
        return None
    end = moment(until, store.clock())
    return ask_all(store, found.boards, found.searches, found.rules, found.controls, end - timedelta(days=days), end)


def _unexpectedly_empty(found: Definitions, answers: list[Answer] | tuple[Answer, ...]) -> list[Answer]:
    """Panels and searches without a row, but for those that say why."""
    excused = {f"{board.name}/{panel.name}" for board in found.boards for panel in board.panels if panel.may_be_empty}
    excused |= {search.name for search in found.searches if search.may_be_empty}
    return [
        answer
        for answer in answers
        if not answer.rows and not answer.problem and answer.kind in ("panel", "search") and answer.name not in excused
    ]
