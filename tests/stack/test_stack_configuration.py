"""filebeat.yml, its rendered inputs, logstash.yml and kibana.yml: options that exist, and the promises they carry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from contracts.settings import TABLE
from mediation.load import load_layouts
from mediation.sniff import FINGERPRINT_BYTES
from tests.stack.pipeline_language import parse, plugins

ROOT = Path(__file__).resolve().parents[2]
LAYOUTS = load_layouts()
# Options of filestream in Filebeat 8.19 that we use; one that is misspelt is silently ignored by Filebeat.
FILESTREAM = {
    "type",
    "id",
    "paths",
    "tags",
    "fields",
    "encoding",
    "message_max_bytes",
    "harvester_limit",
    "clean_inactive",
    "clean_removed",
    "close.on_state_change.inactive",
    "close.on_state_change.removed",
    "close.on_state_change.renamed",
    "file_identity.fingerprint",
    "prospector.scanner.check_interval",
    "prospector.scanner.exclude_files",
    "prospector.scanner.fingerprint.enabled",
    "prospector.scanner.fingerprint.length",
    "prospector.scanner.fingerprint.offset",
    "prospector.scanner.recursive_glob",
    "prospector.scanner.symlinks",
}


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def inputs() -> list[dict[str, Any]]:
    return [
        row for path in sorted((ROOT / "filebeat/inputs.d").glob("*.yml")) for row in yaml.safe_load(path.read_text())
    ]


def test_every_layout_has_one_input_with_an_id_of_its_own() -> None:
    found = {row["id"]: row for row in inputs()}
    assert set(found) == {name for name, layout in LAYOUTS.items() if "logstash" in layout.runners}
    assert len(found) == len(inputs())
    for name, row in found.items():
        assert row["fields"] == {"family": LAYOUTS[name].family, "layout": name}
        assert row["tags"] == [LAYOUTS[name].family, name]
        assert all(path.startswith(f"/var/lib/cdr/{name}/") for path in row["paths"])


def test_inputs_use_options_that_filestream_has() -> None:
    for row in inputs():
        assert row["type"] == "filestream"
        assert set(row) == FILESTREAM
        assert "parsers" not in row, "a parser could join lines: a record is one physical line"
        assert row["prospector.scanner.fingerprint.enabled"] is True
        assert row["prospector.scanner.fingerprint.length"] == FINGERPRINT_BYTES, (
            "the ledger names files by the same bytes"
        )


def test_a_line_too_long_arrives_longer_than_what_is_taken() -> None:
    limit = next(int(row.default) for row in TABLE if row.name == "ingest.line.bytes")
    assert all(row["message_max_bytes"] == limit + 1 for row in inputs())


def test_logstash_listens_where_filebeat_sends_and_asks_for_a_certificate() -> None:
    beats = next(plugins(parse((ROOT / "logstash/pipelines/intake.conf").read_text())["input"]))
    hosts = read("filebeat/output-logstash.yml")["output.logstash"]["hosts"]
    assert hosts == f"${{LOGSTASH_HOSTS:logstash:{beats.settings['port']}}}"
    assert beats.settings["ssl_enabled"] is True
    assert beats.settings["ssl_client_authentication"] == "required"


def test_every_line_has_a_way_from_intake_to_the_store() -> None:
    pipelines = {
        path.stem: parse(path.read_text(encoding="utf-8")) for path in (ROOT / "logstash/pipelines").glob("*.conf")
    }
    sent = {
        name: {
            address
            for plugin in plugins(parsed["output"])
            if plugin.name == "pipeline"
            for address in plugin.settings["send_to"]
        }
        for name, parsed in pipelines.items()
    }
    listening = {
        plugin.settings["address"]
        for parsed in pipelines.values()
        for plugin in plugins(parsed["input"])
        if plugin.name == "pipeline"
    }
    families = {layout.family for layout in LAYOUTS.values() if "logstash" in layout.runners}
    assert sent["intake"] == families | {"store"}
    assert all(sent[family] == {"store"} for family in families)
    assert listening == families | {"store"}
    assert [row["pipeline.id"] for row in read("logstash/pipelines.yml")] == [
        "intake",
        *sorted(families),
        "store",
        "dead-letters",
    ]


def test_writing_never_overwrites_and_never_makes_templates() -> None:
    for name in ("store", "dead-letters"):
        for plugin in plugins(parse((ROOT / f"logstash/pipelines/{name}.conf").read_text())["output"]):
            settings = plugin.settings
            assert (settings["action"], settings["document_id"]) == ("create", "%{[@metadata][_id]}")
            assert (settings["data_stream"], settings["manage_template"], settings["ilm_enabled"]) == (
                False,
                False,
                False,
            )
            assert all(host.startswith("https://") for host in settings["hosts"])


def test_logstash_keeps_queues_and_dead_letters_on_disk() -> None:
    logstash = read("logstash/logstash.yml")
    assert logstash["queue.type"] == "persisted"
    assert logstash["dead_letter_queue.enable"] is True
    assert logstash["config.support_escapes"] is False, "the pipelines' regular expressions are meant literally"
    assert logstash["api.http.host"] == "127.0.0.1"
    assert logstash["pipeline.ecs_compatibility"] == "v8"
    assert not any("dead_letter_queue.enable" in row for row in read("logstash/pipelines.yml"))
    letters = next(plugins(parse((ROOT / "logstash/pipelines/dead-letters.conf").read_text())["input"])).settings
    assert (letters["pipeline_id"], letters["clean_consumed"]) == ("store", True), (
        "its own dead letters come round no more"
    )


def test_kibana_asks_elasticsearch_over_tls_as_its_own_user() -> None:
    kibana = read("infrastructure/compose/kibana.yml")
    assert all(host.startswith("https://") for host in kibana["elasticsearch.hosts"])
    assert kibana["elasticsearch.username"] == "kibana_system"
    assert kibana["server.ssl.enabled"] is True
