"""Enrichment as Logstash filters: the same answers as `mediation.enrich` gives, from the same tables.

Where the stock translate filter can look a thing up, it does, in a dictionary made from `mediation/enrich/causes.yml`. Longest
prefixes, arithmetic and tables with several columns need one of the scripts in `logstash/ruby/`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from contracts.ids import ID_LENGTH
from contracts.settings import TABLE
from mediation.enrich.causes import UNLISTED, causes, dictionaries, generic
from mediation.enrich.configured import fills_of
from mediation.enrich.expressions import RELEASE
from mediation.enrich.numbers import DIALLING, PREFIXES
from mediation.layout import Column, Derived
from mediation.logstash.language import Config, Value, raw
from mediation.logstash.writer import FilterWriter

DICTIONARIES = "${PIPELINE_HOME:/usr/share/logstash/busyhour}/dictionaries"
_SETTINGS = {row.name: row for row in TABLE}
SCRIPTED = ("mos_of_r_factor", "ratio")
PII_KEY = f"${{{_SETTINGS['pii.key'].variable}}}"
HASHED_LINE = "[@metadata][hashed_line]"


def from_setting(name: str) -> str:
    """What Logstash replaces by the setting's value: the environment variable, or the default."""
    row = _SETTINGS[name]
    return f"${{{row.variable}:{row.default}}}"


def tables() -> dict[str, str]:
    """Files that the filters read: path below the project's root → text."""
    files = {f"logstash/dictionaries/{path.name}": path.read_text(encoding="ascii") for path in (PREFIXES, DIALLING)}
    for name, entries in dictionaries().items():
        lines = [
            "# Rendered from mediation/enrich/causes.yml by `busyhour layouts render`: change that file.",
            *(f"{json.dumps(code)}: {json.dumps(text)}" for code, text in entries.items()),
        ]
        files[f"logstash/dictionaries/{name}.yml"] = "\n".join(lines) + "\n"
    return files


def write_truncations(writer: FilterWriter, columns: Iterable[Column]) -> None:
    """Columns of which only the first characters are stored."""
    cut = [column for column in columns if column.pii == "truncate" and column.field]
    if not cut:
        return
    writer.out.comment("Only the first characters of these are stored.")
    writer.add("mutate", "truncate.copy", {"copy": {raw(column.raw): writer.field(column.field) for column in cut}})
    changes: list[Value] = []
    for column in cut:
        changes += [writer.field(column.field), rf"\A(.{{{column.keep_characters}}}).*\z", r"\1"]
    writer.add("mutate", "truncate", {"gsub": changes})


def write_numbers(writer: FilterWriter) -> None:
    """What E.164 numbers tell."""
    if writer.layout.numbers:
        writer.out.comment("What the numbers tell, which their hashes do not.")
    for number in writer.layout.numbers:
        settings: dict[str, Value] = {
            "prefixes": f"{DICTIONARIES}/{PREFIXES.name}",
            "dialling": f"{DICTIONARIES}/{DIALLING.name}",
            "home": number.home or from_setting("numbers.home.country"),
            "plain": number.plain,
            "column": number.column,
        }
        settings |= {name: writer.field(field) for name, field in number.fields.items()}
        writer.script(f"{number.column}.plan", "number_plan", settings)


def source_tests(derived: Derived, sources: Sequence[str]) -> list[str]:
    """Conditions that the sources are there: of a release either code may be absent."""
    tests = list(dict.fromkeys(sources))
    return [f"({' or '.join(tests)})"] if derived.kind in RELEASE and len(tests) > 1 else tests


def write_release(writer: FilterWriter, key: str, derived: Derived) -> None:
    """Name or fault of a release: by the cause, unless that is generic; then by the status; then by the generic cause."""
    gives = derived.kind.removeprefix("release_")
    roles = {protocol: writer.field(str(field)) for protocol, field in (derived.values or {}).items()}
    word = "if"
    for protocol, field in roles.items():
        says_nothing = generic(protocol)
        test = f"{field} != {says_nothing[0]}" if len(says_nothing) == 1 else f"{field} not in {says_nothing}"
        with writer.out.block(f"{word} {field} and {test}"):
            _look_up(writer, f"{key}.{protocol}", field, derived, f"{protocol}-{gives}", gives == "fault")
        word = "else if"
    named = [code for code in generic("q850") if causes()["q850"][code].name]
    if "q850" in roles:
        test = " or ".join(f"{roles['q850']} == {code}" for code in named)
        with writer.out.block(f"else if {test}"):
            _look_up(writer, f"{key}.generic", roles["q850"], derived, f"q850-{gives}", False)


def _look_up(writer: FilterWriter, key: str, field: str, derived: Derived, dictionary: str, otherwise: bool) -> None:
    settings: dict[str, Value] = {
        "source": field,
        "target": writer.field(derived.field),
        "dictionary_path": f"{DICTIONARIES}/{dictionary}.yml",
        "refresh_interval": 0,
    }
    if otherwise:
        settings["fallback"] = UNLISTED
    writer.add("translate", key, settings)


def write_quality(writer: FilterWriter, key: str, derived: Derived) -> None:
    """One of the kinds `SCRIPTED`."""
    sources: list[Value] = [writer.field(field) for field in derived.sources]
    writer.script(key, "quality", {"field": writer.field(derived.field), "kind": derived.kind, "sources": sources})


def write_references(writer: FilterWriter) -> None:
    """Look-ups in the reference tables, as far as the layout fills what they are looked up by."""
    fills = list(fills_of(writer.layout))
    if fills:
        writer.out.comment("What the reference tables know, where an operator has put them.")
    for fill in fills:
        by = writer.field(fill.by)
        kinds: dict[str, dict[str, Value]] = {"keyword": {}, "integer": {}}
        for column, field in fill.fields.items():
            kinds[fill.types[column]][column] = writer.field(field)
        settings: dict[str, Value] = {"folder": from_setting("reference.folder"), "table": fill.table, "key": fill.key}
        settings |= {"by": by, "columns": list(fill.types)}
        settings |= {f"{kind}s": fields for kind, fields in kinds.items() if fields}
        with writer.out.block(f"if {by}"):
            writer.script(f"reference.{fill.by}", "reference", settings)


def write_hashed_line(out: Config, prefix: str) -> None:
    """The keyed hash of a reject's line in the line's place, where pii.reject.raw says so and `reject.rb` has put it aside."""
    with out.block(f"if {HASHED_LINE}"):
        target = "[reject][raw]"
        settings: dict[str, Value] = {"source": [HASHED_LINE], "target": target, "method": "SHA256", "key": PII_KEY}
        out.plugin("fingerprint", f"{prefix}.hash", settings)
        out.plugin("mutate", f"{prefix}.hash.shorten", {"gsub": [target, rf"\A(.{{{ID_LENGTH}}}).*\z", r"\1"]})
