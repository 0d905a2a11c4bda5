"""Pages in German and French beside English: what reads the same in both has to be a name, an id, data, or the same word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from console.glossary import glossary
from console.i18n import catalogue_of, zones
from contracts.indices import ALL
from servicedesk.channels.message import Inbound
from servicedesk.channels.pipeline import Channels
from tests.console.staff import NOW, ROLES, Console, person
from tests.console.test_console_api import token
from tests.console.test_console_routes import KEYS, PAGES

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
    """Every text of a document, and the names of its fields."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from (f"{path}{name}", *_strings(inner, f"{path}{name}."))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, path)
    else:
        yield " ".join(str(value).split())


@pytest.fixture(scope="module")
def data(console: Console) -> set[str]:
    """All that the store says, with a ticket that has a conversation."""
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
        *glossary(),
        *(index.name for index in ALL),
        ticket,
    }
    found |= {str(value) for value in console.store.info().values()}
    return found | _stored(console)


def _stored(console: Console) -> set[str]:
    """What documents say. The audit trail is kept in English, so that all who read it read the same."""
    console.store.refresh()
    found: set[str] = set()
    for index in ALL:
        hits = console.store.search(index.name, query={"match_all": {}}, size=500)["hits"]["hits"]
        found |= {text for hit in hits for text in (hit["_id"], *_strings(hit["_source"]))}
    return found


def _address(path: str, ticket: str) -> str:
    noun = path.split("/")[1]
    key = ticket if noun == "tickets" else KEYS.get(noun, "none")
    return path.replace("{key}", key).replace("{name}", "noc-overview").replace("{panel_name}", "alerts")


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
    ticket = next(text for text in data if text.startswith("T-20"))
    wrong: dict[str, list[str]] = {}
    seen = 0
    for role in ("administrator", "supervisor"):
        with console.signed_in(role) as client:
            known = data | same | _stored(console)
            for path in PAGES:
                if path.endswith(NO_PAGES):
                    continue
                texts = []
                for tag in ("en", language):
                    headers = {"accept": "text/html", "accept-language": tag}
                    answer = client.get(_address(path, ticket), headers=headers)
                    texts.append(Texts(answer.text).found if answer.status_code == 200 else set())
                assert (len(texts[0]) > 8) is bool(texts[0])
                seen += bool(texts[0])
                left = sorted(text for text in (texts[0] & texts[1]) - same if not _is_data(text, known))
                wrong |= {path: left} if left else {}
    assert seen > 30
    assert not wrong, "\n".join(f"{path}: {texts}" for path, texts in wrong.items())
