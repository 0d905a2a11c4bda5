"""filebeat/*.yml: what is common, the three places where lines may go, and that the real Filebeat takes them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.settings import TABLE
from mediation.listen import Limits
from tests.listen import certificates
from tests.listen.filebeat_build import filebeat

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "filebeat"
OUTPUTS = {path.stem.removeprefix("output-"): path for path in sorted(FOLDER.glob("output-*.yml"))}
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def output(name: str) -> tuple[str, dict[str, Any]]:
    ((kind, settings),) = yaml.safe_load(OUTPUTS[name].read_text(encoding="utf-8")).items()
    return kind, settings


def test_common_file_changes_nothing_and_names_no_output() -> None:
    beat = yaml.safe_load((FOLDER / "filebeat.yml").read_text(encoding="utf-8"))
    assert beat["filebeat.config.inputs"]["path"] == "${path.config}/inputs.d/*.yml"
    assert beat["processors"] == []
    assert beat["queue.mem"]["events"] <= 4096, "bounded, so that reading stops when nobody takes lines"
    assert not [key for key in beat if key.startswith("output")]


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_output_checks_the_other_side_and_shows_a_certificate(name: str) -> None:
    _, settings = output(name)
    assert settings["ssl"]["enabled"] is True
    assert settings["ssl"]["verification_mode"] == "full"
    assert {"certificate", "key", "certificate_authorities"} <= set(settings["ssl"])
    assert "max_retries" not in settings, "an event is sent until it is taken"


def test_several_hosts_share_the_load() -> None:
    for name in ("logstash", "listen"):
        kind, settings = output(name)
        assert kind == "output.logstash"
        assert settings["loadbalance"] is True
        assert re.fullmatch(r"\$\{[A-Z]+_HOSTS:[a-z]+:5044\}", settings["hosts"])


def test_kafka_waits_for_every_replica_and_has_room_for_the_longest_line() -> None:
    kind, settings = output("kafka")
    assert kind == "output.kafka"
    assert settings["required_acks"] == -1
    assert settings["topic"] == "cdr-%{[fields.family]}"
    limit = next(int(row.default) for row in TABLE if row.name == "ingest.line.bytes")
    assert settings["max_message_bytes"] > Limits.of(limit).frame_bytes


def test_no_file_holds_a_secret() -> None:
    for path in FOLDER.rglob("*.yml"):
        text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
        assert not re.search(r"(?i)password|passphrase|api_key|username|secret", text), path
        assert "-----BEGIN" not in text


def test_compose_runs_the_common_file_with_the_output_for_logstash() -> None:
    service = COMPOSE["services"]["filebeat"]
    named = ["-c", "filebeat.yml", "-c", "output-logstash.yml"]
    assert service["command"][-4:] == named
    assert " ".join(named) in service["healthcheck"]["test"][-1]
    mounted = {mount.split(":")[1] for mount in service["volumes"]}
    assert {f"/usr/share/filebeat/{path}" for path in (*named[1::2], "inputs.d", "certs", "data")} <= mounted


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as it would be installed: with certificates beside it."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    made = certificates.make(tmp_path_factory.mktemp("certificates"))
    shutil.copytree(made / "filebeat", folder / "certs")
    return folder


@pytest.mark.parametrize("name", OUTPUTS)
def test_real_filebeat_takes_the_files(name: str, installed: Path, tmp_path: Path) -> None:
    """The newest that Go can build is 7.17: these options have kept their names. What 8.19 alone knows is not checked here."""
    paths = ["--path.home", str(tmp_path), "--path.config", str(installed), "--strict.perms=false"]
    files = ["-c", "filebeat.yml", "-c", OUTPUTS[name].name]

    def check(*more: str) -> subprocess.CompletedProcess[str]:
        command = [str(filebeat()), "test", "config", *paths, *files, *more]
        # Without a time limit an unknown type of input would hang for ever.
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    good = check()
    assert (good.returncode, good.stdout.strip()) == (0, "Config OK"), good.stderr
    kind, _ = output(name)
    assert check("-E", f"{kind}.bulk_max_size=many").returncode != 0, "the check would find nothing"
