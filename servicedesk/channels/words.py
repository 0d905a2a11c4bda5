"""Text from outside made safe to keep: HTML to text, quoted answers cut off, control characters gone, length bounded."""

from __future__ import annotations

import html
import re
import unicodedata

import nh3

MOST_TEXT = 100_000  # characters of a message that are kept; nobody reads on, and Elasticsearch indexes each of them
MOST_LINE = 500  # characters of a subject, name or address
MARKER = "##- Please write your answer above this line -##"  # in every mail of ours: what stands below is quoted
_SILENT = {"script", "style", "title", "noscript", "iframe", "object", "svg", "math", "template", "textarea"}
_MOST_HTML = 1_000_000  # characters
_BREAK = re.compile(r"</?(?:br|p|div|li|tr|blockquote|h[1-6]|pre|table)\b[^<>]*>", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_MANY_BREAKS = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_QUOTED = re.compile(r"^(?:>.*|On .{4,200} wrote:|Am .{4,200} schrieb .{1,200}:|Le .{4,200} a écrit\s*:)$")


def from_html(source: str) -> str:
    """The words of an HTML text. What scripts, styles, frames and attributes hold is left out, never run or kept."""
    lines = _BREAK.sub("\n", _SPACE.sub(" ", source[:_MOST_HTML]))
    # No element is left to the parser, whose time would grow with the square of how deep they are nested.
    return tidy(html.unescape(nh3.clean(lines, tags=set(), clean_content_tags=_SILENT, strip_comments=True)))


def tidy(text: str, most: int = MOST_TEXT) -> str:
    """Text without control and direction-changing characters, runs of empty lines made one, at most `most` characters."""
    text = text[: 2 * most].encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(each for each in text if each in "\n\t" or unicodedata.category(each) not in _UNSEEN)
    return _MANY_BREAKS.sub("\n\n", kept).strip()[:most]


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})


def one_line(text: object, most: int = MOST_LINE) -> str:
    """A header's value: one line whatever it held, so that it cannot begin another header."""
    return " ".join(tidy(str(text), 4 * most).split())[:most]


def answer(text: str) -> str:
    """What the writer added: all above our marker, without the quotation at its end. All of it when nothing is left."""
    above = text.partition(MARKER)[0].rstrip("> \n\t")
    lines = above.split("\n")
    while lines and (not lines[-1].strip() or _QUOTED.match(lines[-1].strip())):
        lines.pop()
    return "\n".join(lines).strip() or text.strip()
