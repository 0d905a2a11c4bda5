"""docker-compose.yml, .env.example and what they mount, held against the rules of the stack without Docker."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from cli.main import cli
from contracts.settings import TABLE
from infrastructure.compose.accounts import PASSWORDS
from infrastructure.compose.saved_objects import VARIABLES
from infrastructure.configuration import FILE_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXAMPLE = dict(
    line.split("=", 1)
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    if re.match("[A-Z]", line)
)
SECRETS = {name for name in EXAMPLE if name.endswith(("PASSWORD", "KEY"))}
ONE_OFFS = {"certificates", "setup", "saved-objects"}


def without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def variables() -> list[tuple[str, str]]:
    """Variable and what follows it: `:?message` or `:-default`. `$$` is a dollar of the shell inside."""
    return re.findall(r"(?<!\$)\$\{([A-Z_]+)([^}]*)\}", without_comments(TEXT))


def test_every_port_is_on_loopback() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 5
    assert all(str(port).startswith("127.0.0.1:") for port in ports)
    assert not any("network_mode" in service and service["network_mode"] != "none" for service in SERVICES.values())


def test_every_service_has_a_health_check_and_a_memory_limit() -> None:
    for name, service in SERVICES.items():
        assert service["healthcheck"]["test"], name
        assert service["mem_limit"], name


def test_one_offs_end_and_the_others_come_back() -> None:
    for name, service in SERVICES.items():
        assert service["restart"] == ("no" if name in ONE_OFFS else "unless-stopped"), name


def test_services_wait_for_what_they_need() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if needed in ONE_OFFS else "service_healthy"
            assert how == {"condition": wanted}, (name, needed)
    for writer in ("logstash", "jobs", "kibana", "console", "channels", "mail"):
        assert "setup" in SERVICES[writer]["depends_on"], "nobody writes before the templates are there"


def test_images_are_pinned_to_one_version() -> None:
    images = {service["image"] for service in SERVICES.values() if "build" not in service}
    assert all(re.fullmatch(r"elastic/[a-z]+:8\.19\.[0-9]+", image) for image in images), images
    assert len({image.split(":")[1] for image in images}) == 1
    dockerfile = (ROOT / "infrastructure/compose/Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^FROM python:3\.11\.[0-9]+-slim-bookworm$", dockerfile, re.MULTILINE)


def test_nobody_gains_rights_and_only_the_certificates_run_as_root() -> None:
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name
        assert ("user" in service) == (name == "certificates")
    assert SERVICES["certificates"]["network_mode"] == "none"
    assert "USER 1000:0" in (ROOT / "infrastructure/compose/Dockerfile").read_text(encoding="utf-8")


def test_every_variable_is_explained_and_none_is_explained_in_vain() -> None:
    assert {name for name, _ in variables()} == set(EXAMPLE)


def test_secrets_have_no_default_and_stop_the_start_when_missing() -> None:
    assert {
        "ELASTIC_PASSWORD",
        "KIBANA_PASSWORD",
        "LOGSTASH_PASSWORD",
        "JOBS_PASSWORD",
        "CONSOLE_PASSWORD",
        "KIBANA_ENCRYPTION_KEY",
        "BUSYHOUR_PII_KEY",
        "BUSYHOUR_CHANNEL_KEY",
    } == SECRETS
    for name, rest in variables():
        if name in SECRETS:
            assert rest.startswith(":?"), f"{name} could be unset"
            assert EXAMPLE[name] == ""
        else:
            assert rest == f":-{EXAMPLE[name]}", f"{name}: .env.example shows another default"


def test_no_literal_secret_is_in_any_file_of_the_stack() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if variable.endswith(("PASSWORD", "_KEY")):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), (name, variable)
    for path in ("logstash/logstash.yml", "filebeat/filebeat.yml", "infrastructure/compose/kibana.yml"):
        text = without_comments((ROOT / path).read_text(encoding="utf-8"))
        for line in text.splitlines():
            if re.search(r"(?i)(password|encryptionkey)\s*:", line):
                assert re.search(r":\s*\$\{[A-Z_]+\}$", line), (path, line)
    for path in (ROOT / "logstash/pipelines").glob("*.conf"):
        for line in re.findall(r"^\s*(?:password|key) => .*$", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert re.search(r'=> "\$\{[A-Z_]+\}"$', line), (path, line)


def test_configuration_is_mounted_read_only_and_data_is_in_named_volumes() -> None:
    used = set()
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            source, target, *mode = re.sub(r"\$\{[^}]+\}", "./cdr", mount).split(":")
            if source.startswith("./"):
                assert mode == ["ro"], (name, mount)
                assert source == "./cdr" or (ROOT / source).exists(), (name, mount)
            else:
                used.add(source)
                writes_keys = name == "certificates"
                assert (mode == ["ro"]) == (source.startswith("certs-") and not writes_keys), (name, mount)
            assert target.startswith("/")
    assert used == set(COMPOSE["volumes"])


def test_each_container_sees_its_own_key_only() -> None:
    for name, service in SERVICES.items():
        seen = {mount.split(":")[0] for mount in service.get("volumes", []) if mount.startswith("certs-")} - {
            "certs-trust"
        }
        own = {"certs-elasticsearch"} if name.startswith("es0") else {f"certs-{name}"}
        assert name == "certificates" or seen <= own, name


def test_everything_that_speaks_elasticsearch_speaks_tls() -> None:
    for service in SERVICES.values():
        for value in service.get("environment", {}).values():
            assert not str(value).startswith("http://")
    environment = SERVICES["es01"]["environment"]
    for layer in ("http", "transport"):
        assert environment[f"xpack.security.{layer}.ssl.enabled"] == "true"
    assert environment["xpack.security.enabled"] == "true"


def test_our_containers_get_variables_that_our_code_reads() -> None:
    settings = {row.variable for row in TABLE}
    own = {"JOBS_EVERY_SEC", "TRAIN_EVERY_SEC"}
    for name in ("setup", "jobs", "console", "channels", "mail"):
        assert set(SERVICES[name]["environment"]) <= {FILE_VARIABLE, *settings, *PASSWORDS.values(), *own}, name
    assert set(SERVICES["saved-objects"]["environment"]) == set(VARIABLES)
    jobs = (ROOT / "infrastructure/compose/jobs.sh").read_text(encoding="utf-8")
    assert all(name in jobs for name in own)


def test_channels_serve_on_the_ports_that_are_published() -> None:
    for name, words in (("channels", ("channel", "serve")), ("mail", ("channel", "mail", "serve"))):
        command: click.Command = cli
        for word in words:
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), word)
            assert found is not None
            command = found
        given = SERVICES[name]["command"][1 + len(words) :]
        known = {option: one for one in command.params for option in one.opts}
        assert {option.partition("=")[0] for option in given} <= set(known)
        port = SERVICES[name]["ports"][0].rpartition(":")[2]
        assert port in (str(known["--port"].default), *(option.partition("=")[2] for option in given))
        assert port in str(SERVICES[name]["healthcheck"]["test"])
    assert SERVICES["mail"]["profiles"] == ["mail"]  # without a mail address it would not start


def test_console_serves_https_with_its_own_certificate_and_options_that_exist() -> None:
    console = SERVICES["console"]
    assert "certs-console:/certs/console:ro" in console["volumes"]
    _, command, *options = console["command"]
    known = {name for each in cli.get_command(None, command).params for name in each.opts}  # type: ignore[arg-type,union-attr]
    assert {option.partition("=")[0] for option in options} <= known
    assert {"--certificate", "--key"} <= {option.partition("=")[0] for option in options}
    assert SERVICES["console"]["environment"]["ES_USER"] in PASSWORDS


def test_pipelines_run_where_the_volumes_put_them() -> None:
    targets = {mount.split(":")[1] for mount in SERVICES["logstash"]["volumes"]}
    home = "/usr/share/logstash/busyhour"
    assert {f"{home}/pipelines", f"{home}/ruby"} <= targets
    for row in yaml.safe_load((ROOT / "logstash/pipelines.yml").read_text(encoding="utf-8")):
        path = row["path.config"].replace("${PIPELINE_HOME:/usr/share/logstash/busyhour}", "logstash")
        assert (ROOT / path).is_file(), path


def test_compose_itself_takes_the_file_when_it_is_here(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode != 0
    ):
        pytest.skip(
            "no `docker compose` here (its plugin is in no package registry); it would check docker-compose.yml itself"
        )
    filled = tmp_path / "env"
    filled.write_text("".join(f"{name}={value or 'x' * 40}\n" for name, value in EXAMPLE.items()))
    command = [docker, "compose", "--project-directory", str(ROOT), "--file", str(ROOT / "docker-compose.yml")]
    subprocess.run([*command, "--env-file", str(filled), "config", "--quiet"], check=True, capture_output=True)
    empty = subprocess.run(
        [*command, "--env-file", str(ROOT / ".env.example"), "config", "--quiet"], capture_output=True, check=False
    )
    assert empty.returncode != 0
