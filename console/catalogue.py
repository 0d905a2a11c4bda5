"""What there is to translate: texts of templates and code, titles of dashboards and roles, labels of controls."""

from __future__ import annotations

from pathlib import Path

from babel.messages.extract import extract_from_dir

from console.profiles import THEMES
from dashboards import Definitions
from infrastructure.roles import staff_roles

FOLDER = Path(__file__).parent
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
_KEYWORDS = {"_": None, "gettext": None, "text": None, "plural": (1, 2), "ngettext": (1, 2)}


def words_of(definitions: Definitions) -> set[str]:
    """What the dashboards themselves say: titles, units, links, marks, and why a panel may be empty."""
    found: set[str] = set()
    for board in definitions.boards:
        found |= {board.title, board.description}
        for panel in board.panels:
            found |= {panel.title, panel.unit, panel.empty}
            found |= {link.label for link in panel.links} | {mark.label for mark in panel.thresholds}
    return found - {""}


def messages(definitions: Definitions) -> set[str | tuple[str, ...]]:
    """Every message: a text, or a pair of singular and plural."""
    options = {"templates/**.html": {"newstyle_gettext": "true", "silent": "false", "trimmed": "false"}}
    found: set[str | tuple[str, ...]] = set()
    for _, _, message, _, _ in extract_from_dir(FOLDER, _METHODS, options, keywords=_KEYWORDS):
        if message:
            found.add(message)
    found |= words_of(definitions)
    found |= {control.label for control in definitions.controls}
    found |= {role.title for role in staff_roles().values()}
    found |= {theme for theme in THEMES if theme}
    return found
