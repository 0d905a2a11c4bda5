"""Pages from templates: every value escaped, words in the viewer's language, menus of what the viewer may do."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChainableUndefined, Environment, FileSystemLoader, Template
from markupsafe import Markup

from console.codes import coded, spoken
from console.columns import heading
from console.glossary import meaning
from console.i18n import LANGUAGES, Words, translations
from console.menu import MENU, entries
from console.nouns import value_of
from console.viewer import Viewer, services, words_for

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


@cache
def environment(language: str) -> Environment:
    """One for each language: a message is looked up when a template is filled in."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals |= {
        "static": static,
        "meaning": meaning,
        "languages": LANGUAGES,
        "data": data,
        "value_of": value_of,
        "coded": coded,
        "spoken": spoken,
        "heading": heading,
    }
    return made


@cache
def static(name: str) -> str:
    """Address of a file of ours, with a mark of its content: it may be kept for ever."""
    content = (STATIC / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def data(value: Any) -> Markup:
    """JSON for a `<script type="application/json">`, in which nothing can end the element."""
    text = orjson.dumps(value, default=str).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def template(name: str, language: str) -> Template:
    return environment(language).get_template(name)


def page(request: Request, name: str, viewer: Viewer | None = None, status: int = 200, **values: Any) -> HTMLResponse:
    """The page, filled in. Without a viewer: sign-in, first run, errors."""
    words = viewer.words if viewer else words_for(request)
    context = {
        "request": request,
        "viewer": viewer,
        "words": words,
        "theme": viewer.theme if viewer else request.cookies.get("theme", ""),
        "menu": entries(viewer, services(request).clock()) if viewer and viewer.session else [],
        "path": request.url.path,
        "home": MENU[0].path,
        **values,
    }
    return HTMLResponse(template(name, words.language).render(context), status_code=status)


def fragment(request: Request, name: str, viewer: Viewer, **values: Any) -> HTMLResponse:
    """A part of a page, without the frame."""
    return HTMLResponse(template(name, viewer.words.language).render(viewer=viewer, words=viewer.words, **values))


def messages(words: Words) -> dict[str, str]:
    """What the page's script says."""
    return {
        "empty": words.text("No data in this time range."),
        "denied": words.text("Your roles may not read: %(what)s"),
        "late": words.text("No answer within the time limit. Choose a shorter time range."),
        "away": words.text("Elasticsearch does not answer. This page goes on by itself when it is back."),
        "wrong": words.text("This panel could not be filled: %(what)s"),
        "ignored": words.text("Not filtered by %(what)s: its records have no such field."),
        "cut": words.text("The largest are shown; %(count)s more are in the CSV file."),
        "goal": words.text("goal %(value)s"),
        "picture": words.text("%(title)s: chart of %(count)s rows. The data is in its table."),
        "updated": words.text("as of %(time)s"),
        "loading": words.text("loading …"),
        "yes": words.text("yes"),
        "no": words.text("no"),
        "alert": words.text("New alerts: %(count)s"),
        "offline": words.text("The console does not answer. Trying again …"),
    }
