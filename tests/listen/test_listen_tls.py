"""`busyhour listen` over TLS, as a command: who may send, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import cli
from contracts.errors import UserError
from contracts.settings import Settings
from infrastructure.store import Store
from mediation.listen import tls_context
from tests.listen import certificates
from tests.listen.lumberjack import Client, event


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def listening(store: Store, node_settings: Settings, folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command, and its port."""
    server = folder / "logstash"
    command = [sys.executable, "-m", "cli.main", "listen", "--port", "0", "--json"]
    command += ["--tls-cert", str(server / "logstash.crt"), "--tls-key", str(server / "logstash.key")]
    command += ["--client-ca", str(server / "ca.crt")]
    environment = {**os.environ, "BUSYHOUR_HOME": node_settings.text("home")}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        words = process.stderr.readline()
        assert words.startswith("listening on 127.0.0.1:"), words
        assert words.endswith("TLS, for holders of a certificate\n")
        yield process, int(words.split(":")[1].split(",")[0])
        process.kill()


def test_command_takes_holders_of_a_certificate_only_and_ends_in_good_order(
    store: Store, listening: tuple[subprocess.Popen[str], int], folder: Path, tmp_path: Path
) -> None:
    process, port = listening
    address = ("localhost", port)
    stranger = certificates.client(folder, "")
    other = certificates.make(tmp_path) / "filebeat"
    stranger.load_cert_chain(other / "filebeat.crt", other / "filebeat.key")
    with Client(address, certificates.client(folder)) as client:
        client.ship([event("bad"), event("bad", offset=4), event("worse", offset=8)])
        for nobody in (certificates.client(folder, ""), stranger, None):
            with pytest.raises((ssl.SSLError, EOFError)), Client(address, nobody) as refused:
                refused.ship([event("x")])
        client.ship([event("bad", offset=14)])
        process.send_signal(signal.SIGTERM)
        assert client.closed()
    out, words = process.communicate(timeout=30)
    assert process.returncode == 0, words
    assert json.loads(out) == {"lines": 4, "indexed": 0, "duplicate": 2, "rejected": 2}
    assert words.count("was lost: ") == 3
    store.refresh()
    assert store.count("cdr-reject") == 2


def test_command_refuses_to_take_lines_of_anybody_beyond_this_machine() -> None:
    result = CliRunner().invoke(cli, ["listen", "--host", "0.0.0.0"])  # noqa: S104
    assert isinstance(result.exception, UserError)
    assert "--client-ca" in str(result.exception)


def test_command_refuses_half_of_a_certificate() -> None:
    assert CliRunner().invoke(cli, ["listen", "--tls-cert", "a.crt"]).exit_code == 2
    assert CliRunner().invoke(cli, ["listen", "--client-ca", "ca.crt"]).exit_code == 2


def test_unusable_certificates_are_said_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    good = folder / "logstash"
    encrypted = tmp_path / "encrypted.key"
    subprocess.run(
        ["openssl", "rsa", "-aes256", "-passout", "pass:x", "-in", good / "logstash.key", "-out", encrypted],
        check=True,
        capture_output=True,
    )
    for certificate, key, authority in (
        (tmp_path / "no.crt", good / "logstash.key", None),
        (good / "logstash.crt", folder / "filebeat" / "filebeat.key", None),
        (good / "logstash.crt", encrypted, None),
        (good / "logstash.crt", good / "logstash.key", good / "logstash.key"),
    ):
        with pytest.raises(UserError, match="cannot be used for TLS"):
            tls_context(certificate, key, authority)


def test_old_versions_of_tls_are_not_spoken(folder: Path) -> None:
    server = folder / "logstash"
    context = tls_context(server / "logstash.crt", server / "logstash.key", server / "ca.crt")
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
