"""Pages, and what goes wrong on them, in German and French beside English: the same in both is a name, data, or one word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from alerting import TicketRequest
from console.codes import SPOKEN
from console.i18n import book_of, catalogue_of, terms, zones
from console.phrases import SENTENCES
from contracts.clock import epoch_ms, iso
from contracts.entities import Entity
from contracts.indices import ALL
from detectors.wording import also_at, deviation, hour_words, title
from infrastructure.store import Operation
from servicedesk.channels.message import Inbound
from servicedesk.channels.pipeline import Channels
from servicedesk.opener import AlertTickets
from tests.console.staff import NOW, ROLES, Console, person
from tests.console.test_console_api import token
from tests.console.test_console_routes import KEYS, PAGES
from tests.detectors.simulator import KPIS

SHOWN = ("aria-label", "title", "placeholder", "alt", "data-title", "data-empty")
NO_PAGES = ("/data", "/plot", ".csv", ".css", "/healthz", "/first-run", "/files/{file}")
NAMES = {"Busyhour", "CSV", "PNG", "OpenAPI", "busyhour", "English", "Deutsch", "Français", "UTC", "Elasticsearch"}


class Texts(HTMLParser):
    """What a person reads of a page: text, and the attributes that are read out; not what is marked as English."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._silent: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag in ("script", "style", "code") or (tag != "html" and given.get("lang") == "en"):
            self._silent.append(tag)
        self.found |= {" ".join(str(given[name]).split()) for name in SHOWN if given.get(name)}

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.found.add(" ".join(data.split()))


def _strings(value: Any, path: str = "") -> Iterator[str]:
    """Every text of a document, and the names of its fields; not the sentences that our jobs wrote into it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from (f"{path}{name}", *_strings(inner, f"{path}{name}."))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, path)
    elif not _is_ours(path.removesuffix("."), str(value)):
        yield " ".join(str(value).split())


def _is_ours(field: str, text: str) -> bool:
    lines = [line for line in text.split("\n") if line]
    return field in (*SPOKEN, "ticket.history") and any(book_of(SENTENCES).find(line) for line in lines)


@pytest.fixture(scope="module")
def data(console: Console) -> set[str]:
    """All that the store says, with a ticket that has a conversation."""
    _found(console)
    message = Inbound("chat", "m", "+4915112345678", "Hallo?", NOW, name="Erika")
    ticket = Channels(console.store, lambda: NOW).receive(message).ticket
    with console.signed_in("agent") as client:
        files = {"file": ("trace.txt", b"lines")}
        client.post(f"/api/v1/tickets/{ticket}/attachments", files=files, headers=token(console, client))
    found = {
        *(f"A {role}" for role in ROLES),
        *(person(role) for role in ROLES),
        *NAMES,
        *zones(),
        *(index.name for index in ALL),
        ticket,
    }
    found |= {str(value) for value in console.store.info().values()}
    return found | _stored(console)


def _found(console: Console) -> None:
    """What a night of detection and alerting leaves: an anomaly, its incident, its alert and its ticket, in their words."""
    start = NOW - timedelta(hours=2)
    since, hour, place = iso(start), hour_words(epoch_ms(start), ZoneInfo("UTC"), 3600), Entity("trunk_group", "TG2")
    reason = deviation(KPIS["voip.asr"], place, 0.31, 0.68, 0.741, 1212, hour)
    whole = also_at(reason, [Entity("service", "voip")])
    times = {"@timestamp": since, "event": {"start": since, "ingested": since, "severity": 1}}
    about = {"service": {"name": "voip"}, "entity": {"type": "trunk_group", "id": "TG2"}, "kpi": {"id": "voip.asr"}}
    anomaly = {"id": "a2", "status": "open", "score": 95.0, "actual": 0.31, "reason": reason, "samples": 1212.0}
    incident = {"id": "i2", "status": "open", "title": title([("ASR", "low")], place), "reason": whole, "score": 95.0}
    alert = {
        "fingerprint": "f2",
        "name": "incident-open",
        "status": "firing",
        "severity": "critical",
        "starts_at": since,
    }
    alert |= {"labels": {"incident": "i2"}, "summary": incident["title"], "reason": whole, "acknowledged": False}
    alert |= {
        "history": ['{"at":"' + since + '","event":"firing","by":"busyhour","why":"was over when it was first seen"}']
    }
    store = console.store
    for name, key, source in (
        ("anomaly", "a2", {**times, **about, "anomaly": anomaly, "incident": {"id": "i2"}}),
        ("incident", "i2", {**times, "incident": {**incident, "entities": ["trunk_group:TG2"], "services": ["voip"]}}),
        ("alert", "al2", {"@timestamp": since, "event": {"ingested": since}, "alert": alert}),
    ):
        store.write_all([Operation("index", store.place(name), key, source)])
    store.refresh()
    body = f"{whole}\nSince {since}. Services: voip.\nWhere: trunk_group:TG2. Score 95 of 100."
    told: dict[str, Any] = {
        "watch": "incident-open",
        "fingerprint": "f2",
        "incident": "i2",
        "starts_at": start,
        "severity": 1,
    }
    asked = TicketRequest(
        **told,
        title=str(incident["title"]),
        body=body,
        category="network",
        at=NOW,
        why="new",
        notification="n1",
        alert="al2",
        again=False,
    )
    AlertTickets(store, lambda: NOW).open_for_alert(asked)


def _stored(console: Console) -> set[str]:
    """What documents say. The audit trail is kept in English, so that all who read it read the same."""
    console.store.refresh()
    found: set[str] = set()
    for index in ALL:
        hits = console.store.search(index.name, query={"match_all": {}}, size=500)["hits"]["hits"]
        found |= {text for hit in hits for text in (hit["_id"], *_strings(hit["_source"]))}
    return found


FOUND = {"anomalies": "a2", "incidents": "i2", "alerts": "al2"}


def _addresses(path: str, tickets: list[str]) -> list[str]:
    """Of one path, for each document that there is to look at."""
    noun = path.split("/")[1]
    keys = tickets if noun == "tickets" else [KEYS.get(noun, "none"), *([FOUND[noun]] if noun in FOUND else [])]
    told = path.replace("{name}", "noc-overview").replace("{panel_name}", "alerts")
    return [told.replace("{key}", key) for key in keys] if "{key}" in told else [told]


def _is_data(text: str, data: set[str]) -> bool:
    """Nothing but data, numbers and marks between them."""
    if text in data or not re.search(r"[^\W\d_]{3}", text):
        return True
    rest = text
    for known in sorted((each for each in data if len(each) > 1 and each in text), key=len, reverse=True):
        rest = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", " ", rest)
    return not re.search(r"[^\W\d_]{3}", rest)


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_page_says_what_it_says_in_that_language(console: Console, data: set[str], language: str) -> None:
    same = {str(each.id) for each in catalogue_of(language) if each.string == each.id}
    same |= {term for term, said in terms(language).items() if term == said}
    tickets = sorted(text for text in data if re.fullmatch(r"T-\d{8}-\w+", text))
    assert len(tickets) == 2
    both: dict[
        str, set[str]
    ] = {}  # asked at once, compared afterwards: a server does not wait for ever between two questions
    known = data | same
    for role in ("administrator", "supervisor"):
        with console.signed_in(role) as client:
            known |= _stored(console)
            for path in (each for one in PAGES if not one.endswith(NO_PAGES) for each in _addresses(one, tickets)):
                texts = [_texts(client, path, tag) for tag in ("en", language)]
                assert (len(texts[0]) > 8) is bool(texts[0])
                both |= {f"{role} {path}": texts[0] & texts[1]} if texts[0] else {}
    assert len(both) > 36
    wrong = {path: left for path, texts in both.items() if (left := _left(texts, same, known))}
    assert not wrong, "\n".join(f"{path}: {texts}" for path, texts in wrong.items())


def _texts(client: httpx.Client, path: str, language: str) -> set[str]:
    answer = client.get(path, headers={"accept": "text/html", "accept-language": language})
    return Texts(answer.text).found if answer.status_code == 200 else set()


def _left(texts: set[str], same: set[str], known: set[str]) -> list[str]:
    return sorted(text for text in texts - same if not _is_data(text, known))


WRONG = (  # what people send by mistake: method, address, fields
    ("GET", "/nowhere", {}),
    ("GET", "/dashboards/none", {}),
    ("GET", "/dashboards/noc-overview?from=tomorrow-ish", {}),
    ("GET", "/dashboards/noc-overview?from=now&to=now-1d", {}),
    ("GET", "/dashboards/noc-overview?from=1971-01-01&to=2026-01-01", {}),
    ("GET", "/dashboards/noc-overview?f=x", {}),
    ("GET", "/dashboards/noc-overview/panels/none.csv", {}),
    *(
        ("GET", f"/{noun}/none", {})
        for noun in ("anomalies", "incidents", "alerts", "tickets", "customers", "files", "rejects")
    ),
    ("GET", "/customers/none/diagnosis", {}),
    ("GET", "/tickets?after=zzz", {}),
    ("GET", f"/tickets?state={'x' * 300}", {}),
    ("GET", "/tickets/none/files/none", {}),
    ("GET", "/first-run?token=x", {}),
    ("PUT", "/tickets", {}),
    ("POST", "/alerts/none/acknowledge", {}),
    ("POST", "/alerts/al2/silence", {"hours": "5"}),
    ("POST", "/alerts/al2/silence", {"hours": "1", "why": ""}),
    ("POST", "/anomalies/a2/verdict", {"days": "x"}),
    ("POST", "/anomalies/a2/verdict", {"days": "5", "verdict": "maybe", "scope": "series", "why": "x"}),
    ("POST", "/anomalies/a2/verdict", {"days": "999", "verdict": "false", "scope": "series", "why": "x"}),
    ("POST", "/anomalies/none/verdict", {"days": "5"}),
    ("POST", "/tickets", {"title": ""}),
    ("POST", "/tickets", {"title": "x" * 300}),
    ("POST", "/tickets", {"title": "x", "priority": "soon"}),
    ("POST", "/tickets/{ticket}/comment", {"comment": " "}),
    ("POST", "/tickets/none/comment", {"comment": "x"}),
    ("POST", "/tickets/{ticket}/move", {"to": "closed"}),
    ("POST", "/tickets/{ticket}/move", {"to": "opne"}),
    ("POST", "/tickets/{ticket}/move", {"to": "open", "revision": "99"}),
    ("POST", "/tickets/none/assign", {}),
    ("POST", "/tickets/{ticket}/note", {"note": ""}),
    ("POST", "/tickets/{ticket}/reply", {"reply": ""}),
    ("POST", "/tickets/none/reply", {"reply": "x"}),
    ("POST", "/tickets/{ticket}/files", {}),
    ("POST", "/users", {"username": "-", "password": "correct horse battery 7", "role": "busyhour_noc"}),
    ("POST", "/users", {"username": "new", "password": "short", "role": "busyhour_noc"}),
    ("POST", "/users", {"username": "new", "password": "correct horse battery 7", "role": "king"}),
    ("POST", "/users", {"username": "person-noc", "password": "correct horse battery 7", "role": "busyhour_noc"}),
    ("POST", "/users/nobody-there/roles", {"role": "busyhour_noc"}),
    ("POST", "/users/person-administrator/enabled", {"enabled": "no"}),
    ("POST", "/account", {"language": "xx"}),
    ("POST", "/account", {"name": "x" * 300}),
    (
        "POST",
        "/account/password",
        {"old": "wrong", "new": "correct horse battery 8", "again": "correct horse battery 8"},
    ),
    ("POST", "/account/keys", {"days": "5000"}),
    ("POST", "/tickets", {"title": "x", "csrf": "forged"}),
)


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_error_is_said_in_that_language(console: Console, data: set[str], language: str) -> None:
    same = {str(each.id) for each in catalogue_of(language) if each.string == each.id}
    same |= {term for term, said in terms(language).items() if term == said}
    ticket = min(text for text in data if re.fullmatch(r"T-\d{8}-\w+", text))
    both: dict[str, tuple[set[str], set[str]]] = {}
    refused = set()
    for role in ("administrator", "supervisor"):
        with console.signed_in(role) as client:
            for method, address, fields in WRONG:
                told = [
                    _sent(console, client, method, address.format(ticket=ticket), fields, tag)
                    for tag in ("en", language)
                ]
                assert told[0].status_code == told[1].status_code, address
                assert told[0].status_code < 500, (address, told[0].text)
                assert (
                    "Project-Id-Version" not in told[1].text
                )  # the head of a catalogue, which the empty message finds
                if told[0].status_code >= 400:
                    refused |= {(method, address, *fields.items())}
                    english, other = (Texts(answer.text).found for answer in told)
                    both[f"{role} {method} {address} {fields}"[:200]] = (english & other, _sent_words(fields))
    assert len(refused) == len(WRONG), [one for one in WRONG if (one[0], one[1], *one[2].items()) not in refused]
    wrong = {what: left for what, (texts, sent) in both.items() if (left := _left(texts, same, data | sent))}
    assert not wrong, "\n".join(f"{what}: {texts}" for what, texts in wrong.items())


def _sent(
    console: Console, client: httpx.Client, method: str, address: str, fields: dict[str, str], language: str
) -> httpx.Response:
    headers = {"accept": "text/html", "accept-language": language}
    console.services.by_name.forgive(f"password {person('administrator')}")
    console.services.by_name.forgive(f"password {person('supervisor')}")
    form = {"csrf": console.token(client), **fields} if method == "POST" else None
    return client.request(method, address, data=form, headers=headers)


def _sent_words(fields: dict[str, str]) -> set[str]:
    """What the person wrote comes back as it was written."""
    return {*fields.values(), *(repr(value[:60]) for value in fields.values())}
