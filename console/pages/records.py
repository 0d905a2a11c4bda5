"""Lists of anomalies, incidents, alerts, tickets, customers, files, rejects and the audit trail, and the page of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from alerting import Silence, list_silences
from alerting import history as alert_history
from console.marking import marked as _
from console.nouns import NOUNS, Noun, find, one
from console.pages.actions import SILENCE_HOURS
from console.pages.contact import FILE_NEEDS, TALK_NEEDS, talk_of
from console.pages.plot import contributors
from console.profiles import SEVERITIES
from console.templating import messages, page
from console.viewer import Viewer, allowed, services
from detectors.feedback import SCOPES, VERDICTS
from servicedesk import PRIORITIES, STATES, TRANSITIONS, Ticket
from servicedesk.notes import notes_of
from servicedesk.profiles import Customer

router = APIRouter()
_ONE_PAGE = {
    "customers": "customer.html",
    "alerts": "alert.html",
    "tickets": "ticket.html",
    "anomalies": "anomaly.html",
}
_VERDICT_WORDS = {"true": _("a real fault"), "false": _("no fault"), "expected": _("expected, such as maintenance")}
_SCOPE_WORDS = {
    "series": _("this KPI of this entity"),
    "kpi": _("this KPI anywhere in the service"),
    "entity": _("all KPIs of this entity"),
}
_LINKS = {"incident.id": "/incidents/", "ticket.id": "/tickets/", "anomaly.id": "/anomalies/"}


def _listed(noun: Noun) -> Any:
    def listed(request: Request, viewer: Viewer = Depends(allowed(noun.need))) -> Response:  # noqa: B008
        names = ("q", "after", *(name for name, _, _ in noun.filters))
        given = {name: request.query_params.get(name, "") for name in names}
        found = find(viewer.store, noun, given)
        rest = {key: value for key, value in given.items() if key != "after" and value}
        return page(
            request,
            "list.html",
            viewer,
            noun=noun,
            found=found,
            given=given,
            next_page=f"/{noun.name}?{urlencode({**rest, 'after': found.after})}" if found.after else "",
            first_page=f"/{noun.name}?{urlencode(rest)}" if given.get("after") else "",
            choices=_choices(noun),
            may_open=noun.name == "tickets" and viewer.may("ticket:index"),
        )

    return listed


def _choices(noun: Noun) -> dict[str, tuple[str, ...]]:
    """Filters whose values are few and known."""
    known: dict[str, dict[str, tuple[str, ...]]] = {
        "tickets": {"state": STATES, "priority": PRIORITIES},
        "alerts": {"status": ("firing", "resolved"), "acknowledged": ("true", "false"), "severity": SEVERITIES},
        "anomalies": {"status": ("open", "closed", "withdrawn")},
        "incidents": {"status": ("open", "closed", "withdrawn")},
        "rejects": {"state": ("suspended", "recycled", "discarded")},
        "files": {"state": ("open", "closed")},
        "customers": {"kind": ("consumer", "business")},
    }
    return known.get(noun.name, {})


def _shown(noun: Noun) -> Any:
    def shown(request: Request, key: str, viewer: Viewer = Depends(allowed(noun.need))) -> Response:  # noqa: B008
        source = one(viewer.store, noun, key)
        if noun.name in ("customers", "rejects"):
            # Who looked at a person's data, or at a raw line, which may hold one's, is kept.
            services(request).audit.note(viewer.username, f"read {noun.index}", key)
        values = {
            "noun": noun,
            "source": source,
            "pairs": list(flat(source)),
            "links": _LINKS,
            **_more(noun, viewer, source),
        }
        return page(request, _ONE_PAGE.get(noun.name, "record.html"), viewer, **values)

    return shown


def _more(noun: Noun, viewer: Viewer, source: Mapping[str, Any]) -> dict[str, Any]:
    if noun.name == "tickets":
        ticket = Ticket.of(source)
        viewer.learn(["ticket:index", "ticket-note:read", "ticket-note:index", *FILE_NEEDS, *TALK_NEEDS])
        may = {"may_write": viewer.may("ticket:index"), "may_note": viewer.may("ticket-note:index")}
        may |= {"may_read_files": viewer.may("attachment:read"), "may_attach": viewer.may("attachment:index")}
        notes = notes_of(viewer.store, ticket.id) if viewer.may("ticket-note:read") else []
        talk = talk_of(viewer, ticket.id)
        return {"ticket": ticket, "steps": TRANSITIONS[ticket.state], "notes": notes, "talk": talk, **may}
    if noun.name == "alerts":
        viewer.learn(["alert:index", "silence:index", "silence:read"])
        silences = _silences(viewer, source) if viewer.may("silence:read") else []
        may = {"may_write": viewer.may("alert:index"), "may_silence": viewer.may("silence:index")}
        return {"history": alert_history(source), "silences": silences, "hours": SILENCE_HOURS, **may}
    if noun.name == "anomalies":
        viewer.learn(["feedback:read", "feedback:index"])
        said = viewer.store.get("feedback", source["id"]) if viewer.may("feedback:read") else None
        facts = {"id": source["id"], "zone": viewer.words.zone_name(), "language": viewer.words.tag}
        return {
            "facts": {**facts, "messages": messages(viewer.words)},
            "contributors": contributors(viewer.store, source),
            "said": said.source if said else None,
            "may_judge": viewer.may("feedback:index"),
            "verdicts": VERDICTS,
            "scopes": SCOPES,
            "verdict_words": _VERDICT_WORDS,
            "scope_words": _SCOPE_WORDS,
        }
    more = {"customer": Customer.of(source)} if noun.name == "customers" else {}
    return {"related": _related(noun, viewer, source), **more}


def _silences(viewer: Viewer, source: Mapping[str, Any]) -> list[Silence]:
    """Silences in force that match the alert's labels."""
    now = viewer.store.clock()
    facts = {name: [str(value)] for name, value in source["alert"].get("labels", {}).items()}
    facts |= {"alertname": [source["alert"]["name"]], "severity": [source["alert"]["severity"]]}
    return [each for each in list_silences(viewer.store, since=now) if each.silences(facts, now)]


def _related(noun: Noun, viewer: Viewer, source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Lists of what belongs to an incident or customer, as far as the viewer may read it."""
    wanted = {
        "incidents": (("anomalies", "incident"), ("tickets", "incident")),
        "customers": (("tickets", "customer"),),
    }.get(noun.name, ())
    viewer.learn(NOUNS[name].need for name, _ in wanted)
    return [
        {"noun": NOUNS[name], "found": find(viewer.store, NOUNS[name], {parameter: source["id"]}, size=20)}
        for name, parameter in wanted
        if viewer.may(NOUNS[name].need)
    ]


def flat(source: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values; texts that are JSON are left as they are."""
    for name, value in source.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and len(value) > 20:
            yield f"{prefix}{name}", [*value[:20], "…"]
        else:
            yield f"{prefix}{name}", value


for _noun in NOUNS.values():
    router.add_api_route(f"/{_noun.name}", _listed(_noun), methods=["GET"], name=f"list-{_noun.name}")
    if _noun.name != "audit":
        router.add_api_route(f"/{_noun.name}/{{key}}", _shown(_noun), methods=["GET"], name=f"show-{_noun.name}")
