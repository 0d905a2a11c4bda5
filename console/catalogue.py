"""What there is to translate: texts of templates and code, titles of dashboards and roles, labels of controls."""

from __future__ import annotations

from pathlib import Path

from babel.messages.extract import extract_from_dir

from console.columns import messages_of
from console.glossary import rows
from console.phrases import sources
from console.profiles import THEMES
from contracts.indices import ALL
from dashboards import Definitions
from dashboards.definitions import AUDIENCES
from infrastructure.roles import staff_roles
from servicedesk.diagnosis import causes
from servicedesk.diagnosis.sessions import QUALITY

FOLDER = Path(__file__).parent
DIAGNOSIS = Path(causes.__file__).parent
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
_KEYWORDS = {"_": None, "gettext": None, "text": None, "plural": (1, 2), "ngettext": (1, 2)}


def words_of(definitions: Definitions) -> set[str]:
    """What the dashboards themselves say: titles, units, links, marks, and why a panel may be empty."""
    found: set[str] = set()
    for board in definitions.boards:
        found |= {board.title, board.description}
        for panel in board.panels:
            found |= {panel.title, panel.unit, panel.empty, panel.help, *panel.text.split("\n\n")}
            found |= {link.label for link in panel.links} | {mark.label for mark in panel.thresholds}
    return (found | messages_of(definitions)) - {""}


def messages(definitions: Definitions) -> set[str | tuple[str, ...]]:
    """Every message: a text, or a pair of singular and plural. Terms of the glossary are looked up apart (`glossary.terms`)."""
    options = {"templates/**.html": {"newstyle_gettext": "true", "silent": "false", "trimmed": "false"}}
    found: set[str | tuple[str, ...]] = set()
    for _, _, message, _, _ in extract_from_dir(FOLDER, _METHODS, options, keywords=_KEYWORDS):
        if message:
            found.add(message)
    found |= words_of(definitions)
    for _, _, message, _, _ in extract_from_dir(DIAGNOSIS, [("**.py", "python")], keywords={"Said": None, "of": (2,)}):
        if message:
            found.add(message)
    found |= {*causes.messages(), *QUALITY}
    found |= sources.sentences() | sources.errors() | {meaning for _, meaning in rows()}
    found |= {control.label for control in definitions.controls}
    found |= {text for role in staff_roles().values() for text in (role.title, role.description)}
    found |= {index.meaning for index in ALL}
    found |= {theme for theme in THEMES if theme} | set(AUDIENCES)
    return found
