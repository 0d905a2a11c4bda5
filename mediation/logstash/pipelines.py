"""The pipelines around the layouts' filters: intake → one per family → store → Elasticsearch, and back from the dead letters."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.indices import BY_NAME, CDR_INDEX, concrete
from contracts.outcomes import Reason
from contracts.settings import TABLE
from mediation.layout import Layout
from mediation.logstash.enrich import from_setting, write_hashed_line
from mediation.logstash.filters import layout_filters, one_of
from mediation.logstash.language import NOTE, Config, Value
from mediation.logstash.writer import GOOD, SCRIPTS

LINE_BYTES = next(int(row.default) for row in TABLE if row.name == "ingest.line.bytes")
CERTIFICATES = "/usr/share/logstash/config/certs"
_AHEAD = next(row for row in TABLE if row.name == "ingest.ahead.hours")
# Top-level fields of the documents; what Filebeat and Logstash add of their own is none of them.
DOCUMENT = tuple(
    dict.fromkeys(field.name.split(".")[0] for index in CDR_INDEX.values() for field in BY_NAME[index].fields)
)
# What Logstash and Filebeat may have put where our own fields go.
_FOREIGN = (
    *(f"[{name}]" for name in DOCUMENT if name not in ("@timestamp", "log")),
    "[raw]",
    "[reject]",
    "[tags]",
    "[@metadata][_id]",
    "[@metadata][flags]",
    "[@metadata][local]",
)
# What a filter leaves behind that failed for a reason that no layout foresees.
_FAILED = ("_rubyexception", "_mutate_error", "_timestampparsefailure")


def _head(out: Config, purpose: str) -> None:
    out.comment(NOTE)
    out.comment(f"\n{purpose}")
    out.line()


def intake(families: Mapping[str, list[Layout]]) -> str:
    out = Config()
    _head(out, "Takes lines from Filebeat over TLS and hands each to the pipeline of its family.")
    with out.block("input"):
        settings: dict[str, Value] = {
            "port": 5044,
            "ssl_enabled": True,
            "ssl_certificate": f"{CERTIFICATES}/logstash.crt",
            "ssl_key": f"{CERTIFICATES}/logstash.key",
            "ssl_certificate_authorities": [f"{CERTIFICATES}/ca.crt"],
            "ssl_client_authentication": "required",
            "enrich": "none",
        }
        out.plugin("beats", "intake.beats", settings)
    out.line()
    with out.block("filter"):
        out.comment("Names of ours that somebody else has used already.")
        out.plugin("mutate", "intake.clear", {"remove_field": list(_FOREIGN)})
    out.line()
    with out.block("output"):
        word = "if"
        for family, members in sorted(families.items()):
            with out.block(f"{word} {one_of('[fields][layout]', [layout.name for layout in members])}"):
                out.plugin("pipeline", f"intake.to.{family}", {"send_to": [family]})
            word = "else if"
        out.comment("An input without fields.layout, or with one that no longer exists: kept as a reject, not lost.")
        with out.block("else"):
            out.plugin("pipeline", "intake.to.store", {"send_to": ["store"]})
    return out.text()


def family_pipeline(family: str, layouts: list[Layout]) -> str:
    out = Config()
    _head(out, f"Lines of the {family} formats become documents, or rejects with the reason: {_names(layouts)}.")
    with out.block("input"):
        out.plugin("pipeline", f"{family}.from.intake", {"address": family})
    out.line()
    with out.block("filter"):
        out.comment("Names of ours that somebody else has used already.")
        out.plugin("mutate", f"{family}.clear", {"remove_field": list(_FOREIGN)})
        word = "if"
        for layout in layouts:
            out.line()
            out.comment(layout.title)
            with out.block(f'{word} [fields][layout] == "{layout.name}"'):
                fields: dict[str, Value] = {"[cdr][layout]": layout.name, "[@metadata][layout]": layout.name}
                out.plugin("mutate", f"{layout.name}.layout", {"replace": fields})
                layout_filters(out, layout, LINE_BYTES)
            word = "else if"
    out.line()
    with out.block("output"):
        out.plugin("pipeline", f"{family}.to.store", {"send_to": ["store"]})
    return out.text()


def _names(layouts: list[Layout]) -> str:
    return ", ".join(layout.name for layout in layouts)


def store(families: Mapping[str, list[Layout]]) -> str:
    out = Config()
    _head(
        out,
        "Writes documents and rejects. `create` never overwrites: a line that was seen before is answered with 409 and the"
        "\nfirst sighting stays. 400 and 404 go to the dead letter queue, everything else is sent again until it is taken.",
    )
    with out.block("input"):
        out.plugin("pipeline", "store.from.families", {"address": "store"})
    out.line()
    with out.block("filter"):
        _last_checks(out)
        with out.block("if [reject][reason]"):
            _script(out, "store.reject", "reject", _reject_settings(families))
            write_hashed_line(out, "store.reject")
        with out.block("else"):
            out.comment("The line itself, for the dead letter queue.")
            out.plugin("mutate", "store.line", {"copy": {"message": "[@metadata][line]"}})
            _script(out, "store.document", "document", {"keep": list(DOCUMENT)})
    out.line()
    with out.block("output"):
        with out.block("if [reject][reason]"):
            _elasticsearch(out, "store.rejects", concrete("cdr-reject"))
        with out.block("else"):
            out.comment("The partition is the month of the record's own time, in UTC.")
            _elasticsearch(out, "store.records", "%{[@metadata][index]}-%{+yyyy.MM}")
    return out.text()


def _last_checks(out: Config) -> None:
    """Records that are none after all, whatever their layout."""
    with out.block(f"if ![@metadata][_id] and {GOOD}"):
        fields: dict[str, Value] = {
            "[reject][reason]": str(Reason.BAD_VALUE),
            "[reject][detail]": "no layout for fields.layout of the Filebeat input",
        }
        out.plugin("mutate", "store.no-layout", {"add_field": fields})
    with out.block("if " + " or ".join(f'"{tag}" in [tags]' for tag in _FAILED)):
        out.comment("A filter failed in a way that no layout foresees: Logstash's own log says how.")
        fields = {"[reject][reason]": str(Reason.BAD_VALUE), "[reject][detail]": "a filter failed: %{tags}"}
        out.plugin("mutate", "store.failed", {"replace": fields})
    with out.block(f"if {GOOD}"):
        out.comment("A clock that is years ahead: such a record would open a partition of its own.")
        _script(out, "store.ahead", "ahead", {"hours": f"${{{_AHEAD.variable}:{_AHEAD.default}}}"})


def _reject_settings(families: Mapping[str, list[Layout]]) -> dict[str, Value]:
    services: dict[str, Value] = {
        layout.name: layout.services[0]
        for members in families.values()
        for layout in members
        if len(layout.services) == 1
    }
    return {"services": services, "raw": from_setting("pii.reject.raw")}


def dead_letters(families: Mapping[str, list[Layout]]) -> str:
    out = Config()
    _head(
        out,
        "A document that Elasticsearch refused (400, 404) is suspended as a reject with what Elasticsearch said."
        "\nWhat has been read is removed from the queue's folder. A reject that is refused itself is tried once more, and then"
        "\nstays in the folder of this pipeline's own dead letters, which nobody reads: cdr-reject is not there then.",
    )
    with out.block("input"):
        settings: dict[str, Value] = {
            "path": "/usr/share/logstash/data/dead_letter_queue",
            "pipeline_id": "store",
            "commit_offsets": True,
            "clean_consumed": True,
        }
        out.plugin("dead_letter_queue", "dead-letters.from.store", settings)
    out.line()
    with out.block("filter"):
        with out.block(f"if {GOOD}"):
            _script(out, "dead-letters.refused", "refused", {})
            _script(out, "dead-letters.reject", "reject", _reject_settings(families))
            write_hashed_line(out, "dead-letters.reject")
        out.comment(
            "Logstash drops an event that it has put among the dead letters before; by this field it would know."
        )
        out.plugin("mutate", "dead-letters.again", {"remove_field": ["[@metadata][dead_letter_queue]"]})
    out.line()
    with out.block("output"):
        _elasticsearch(out, "dead-letters.rejects", concrete("cdr-reject"))
    return out.text()


def _script(out: Config, key: str, script: str, settings: dict[str, Value]) -> None:
    out.plugin("ruby", key, {"path": f"{SCRIPTS}/{script}.rb", **({"script_params": settings} if settings else {})})


def _elasticsearch(out: Config, key: str, index: str) -> None:
    settings: dict[str, Value] = {
        "hosts": ["https://es01:9200", "https://es02:9200", "https://es03:9200"],
        "user": "busyhour_logstash",
        "password": "${LOGSTASH_PASSWORD}",
        "ssl_certificate_authorities": [f"{CERTIFICATES}/ca.crt"],
        "data_stream": False,
        "manage_template": False,
        "ilm_enabled": False,
        "index": index,
        "document_id": "%{[@metadata][_id]}",
        "action": "create",
        "silence_errors_in_log": ["version_conflict_engine_exception"],
    }
    out.plugin("elasticsearch", key, settings)
