"""Everything of the Filebeat and Logstash route that follows from the layouts, as files: path → text.

    filebeat/inputs.d/FAMILY.yml       one filestream input per layout
    logstash/pipelines.yml             the pipelines and their queues
    logstash/pipelines/intake.conf     Filebeat → the family's pipeline
    logstash/pipelines/FAMILY.conf     lines → documents or rejects, one block per layout
    logstash/pipelines/store.conf      → Elasticsearch
    logstash/pipelines/dead-letters.conf   documents that Elasticsearch refused → rejects

They are checked in; `busyhour layouts render` writes them, and a test fails when they are stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from contracts.indices import concrete
from contracts.outcomes import Reason
from contracts.settings import TABLE
from mediation.layout import Layout
from mediation.load import load_layouts
from mediation.logstash_config import Config, Value
from mediation.logstash_filter import GOOD, SCRIPTS, layout_filters, one_of
from mediation.sniff import FINGERPRINT_BYTES

NOTE = "Rendered from mediation/layouts/ by `busyhour layouts render`: change the layouts, not this file."
LINE_BYTES = next(int(row.default) for row in TABLE if row.name == "ingest.line.bytes")
CERTIFICATES = "/usr/share/logstash/config/certs"
# What Logstash and Filebeat may have put where our own fields go.
_FOREIGN = ["[event]", "[ecs]", "[service]", "[cdr]", "[raw]", "[reject]"]
_DOCUMENT = (
    "@timestamp",
    "ecs",
    "event",
    "service",
    "log",
    "cdr",
    "voip",
    "mobile",
    "sms",
    "epc",
    "subscriber",
    "peer",
)


def render(layouts: Iterable[Layout]) -> dict[str, str]:
    """Files by path below the project's root, made of those layouts that Logstash can run. Raises LayoutError."""
    families: dict[str, list[Layout]] = {}
    for layout in sorted(layouts, key=lambda layout: layout.name):
        if "logstash" in layout.runners:
            families.setdefault(layout.family, []).append(layout)
    files = {
        "logstash/pipelines.yml": _pipelines(families),
        "logstash/pipelines/intake.conf": _intake(families),
        "logstash/pipelines/store.conf": _store(families),
        "logstash/pipelines/dead-letters.conf": _dead_letters(),
    }
    for family, members in sorted(families.items()):
        files[f"logstash/pipelines/{family}.conf"] = _family(family, members)
        files[f"filebeat/inputs.d/{family}.yml"] = _inputs(family, members)
    return files


def write_rendered(root: Path, layouts: Mapping[str, Layout] | None = None) -> list[str]:
    """Writes what differs below `root` and removes rendered files that no layout asks for; their paths. Raises LayoutError."""
    files = render((load_layouts() if layouts is None else layouts).values())
    changed = []
    for path, text in files.items():
        place = root / path
        if not place.is_file() or place.read_text(encoding="utf-8") != text:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            changed.append(path)
    for folder, pattern in (("logstash/pipelines", "*.conf"), ("filebeat/inputs.d", "*.yml")):
        for place in sorted((root / folder).glob(pattern)):
            path = f"{folder}/{place.name}"
            if path not in files and NOTE in place.read_text(encoding="utf-8"):
                place.unlink()
                changed.append(path)
    return changed


def _pipelines(families: Iterable[str]) -> str:
    lines = [f"# {NOTE}", "#", "# intake → one pipeline per family of formats → store → Elasticsearch"]
    lines += [
        "# Every queue is on disk (logstash.yml), so that a line acknowledged to Filebeat survives a kill at any step.",
        "",
    ]
    for name in ("intake", *sorted(families), "store", "dead-letters"):
        lines += [f"- pipeline.id: {name}"]
        lines += [f'  path.config: "${{PIPELINE_HOME:/usr/share/logstash/busyhour}}/pipelines/{name}.conf"']
        if name == "dead-letters":
            lines += ["  dead_letter_queue.enable: false  # a refused reject would otherwise come round for ever"]
    return "\n".join(lines) + "\n"


def _head(out: Config, purpose: str) -> None:
    out.comment(NOTE)
    out.comment(f"\n{purpose}")
    out.line()


def _intake(families: Mapping[str, list[Layout]]) -> str:
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


def _family(family: str, layouts: list[Layout]) -> str:
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


def _store(families: Mapping[str, list[Layout]]) -> str:
    out = Config()
    _head(
        out,
        "Writes documents and rejects. `create` never overwrites: a line that was seen before is answered with 409 and the"
        "\nfirst sighting stays. 400 and 404 go to the dead letter queue, everything else is sent again until it is taken.",
    )
    with out.block("input"):
        out.plugin("pipeline", "store.from.families", {"address": "store"})
    out.line()
    services: dict[str, Value] = {
        layout.name: layout.services[0]
        for members in families.values()
        for layout in members
        if len(layout.services) == 1
    }
    with out.block("filter"):
        with out.block(f"if ![@metadata][_id] and {GOOD}"):
            fields: dict[str, Value] = {
                "[reject][reason]": str(Reason.BAD_VALUE),
                "[reject][detail]": "no layout for fields.layout of the Filebeat input",
            }
            out.plugin("mutate", "store.no-layout", {"add_field": fields})
        with out.block("if [reject][reason]"):
            out.comment("The line itself, for the dead letter queue, too.")
            out.plugin(
                "ruby", "store.reject", {"path": f"{SCRIPTS}/reject.rb", "script_params": {"services": services}}
            )
        with out.block("else"):
            out.plugin("mutate", "store.line", {"copy": {"message": "[@metadata][line]"}})
            out.plugin(
                "ruby", "store.document", {"path": f"{SCRIPTS}/document.rb", "script_params": {"keep": list(_DOCUMENT)}}
            )
    out.line()
    with out.block("output"):
        with out.block("if [reject][reason]"):
            _elasticsearch(out, "store.rejects", concrete("cdr-reject"))
        with out.block("else"):
            out.comment("The partition is the month of the record's own time, in UTC.")
            _elasticsearch(out, "store.records", "%{[@metadata][index]}-%{+yyyy.MM}")
    return out.text()


def _dead_letters() -> str:
    out = Config()
    _head(
        out, "A document that Elasticsearch refused (400, 404) is suspended as a reject with what Elasticsearch said."
    )
    with out.block("input"):
        settings: dict[str, Value] = {
            "path": "/usr/share/logstash/data/dead_letter_queue",
            "pipeline_id": "store",
            "commit_offsets": True,
        }
        out.plugin("dead_letter_queue", "dead-letters.from.store", settings)
    out.line()
    with out.block("filter"):
        out.comment("A reject that was refused stays in the dead letter queue's log; it would only be refused again.")
        fields: dict[str, Value] = {
            "[@metadata][layout]": "%{[cdr][layout]}",
            "[reject][reason]": str(Reason.STORE_REFUSED),
            "[reject][detail]": "%{[@metadata][dead_letter_queue][reason]}",
        }
        with out.block(f"if {GOOD}"):
            out.plugin("mutate", "dead-letters.line", {"copy": {"[@metadata][line]": "message"}})
            out.plugin("mutate", "dead-letters.reason", {"replace": fields})
            out.plugin(
                "ruby", "dead-letters.reject", {"path": f"{SCRIPTS}/reject.rb", "script_params": {"services": {}}}
            )
    out.line()
    with out.block("output"):
        _elasticsearch(out, "dead-letters.rejects", concrete("cdr-reject"))
    return out.text()


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


def _inputs(family: str, layouts: list[Layout]) -> str:
    lines = [
        f"# {NOTE}",
        "#",
        f"# Files of the {family} formats, one folder per format. filebeat.yml says what they have in common.",
    ]
    for layout in layouts:
        lines += [
            "",
            f"# {layout.title}",
            "- type: filestream",
            f"  id: {layout.name}",
            f"  paths: [/var/lib/cdr/{layout.name}/**/*]",
            f"  tags: [{family}, {layout.name}]",
            f"  fields: {{family: {family}, layout: {layout.name}}}",
            "  encoding: plain  # Logstash judges the encoding, so that a bad line is a reject and not silently altered",
            f"  message_max_bytes: {LINE_BYTES + 1}  # one more than is taken: a longer line arrives cut, and is a reject",
            "  prospector.scanner.exclude_files: ['/\\.', '\\.(tmp|part|partial|filepart|swp)$', '~$']  # still being written",
            "  prospector.scanner.recursive_glob: true",
            "  prospector.scanner.check_interval: 10s",
            "  prospector.scanner.symlinks: false",
            "  # A file is what it holds, not where it lies: renamed, rotated or moved it goes on where it was.",
            "  prospector.scanner.fingerprint.enabled: true",
            "  prospector.scanner.fingerprint.offset: 0",
            f"  prospector.scanner.fingerprint.length: {FINGERPRINT_BYTES}",
            "  file_identity.fingerprint: ~",
            "  close.on_state_change.inactive: 5m",
            "  close.on_state_change.renamed: false",
            "  close.on_state_change.removed: false  # what is open is read to its end, even when it is deleted",
            "  clean_inactive: -1  # never: a state forgotten is a file read twice",
            "  clean_removed: true  # a state is kept as long as its file",
            "  harvester_limit: 64",
        ]
    return "\n".join(lines) + "\n"
