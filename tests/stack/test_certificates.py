"""The stack's own certificates, made for real and used for a real TLS connection."""

from __future__ import annotations

import shutil
import socket
import ssl
import stat
import subprocess
import threading
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "infrastructure/compose/certificates.sh"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None or shutil.which("bash") is None:
        pytest.skip("no openssl or bash here; they would make the stack's certificates")
    folder = tmp_path_factory.mktemp("certs")
    make(folder)
    return folder


def make(folder: Path) -> str:
    return subprocess.run(["bash", str(SCRIPT), str(folder)], check=True, capture_output=True, text=True).stdout


def context(purpose: ssl.Purpose, folder: Path, name: str) -> ssl.SSLContext:
    made = ssl.create_default_context(purpose, cafile=str(folder / name / "ca.crt"))
    made.load_cert_chain(folder / name / f"{name}.crt", folder / name / f"{name}.key")
    return made


def test_certificates_connect_filebeat_to_logstash_with_both_sides_checked(certificates: Path) -> None:
    server = context(ssl.Purpose.CLIENT_AUTH, certificates, "logstash")
    server.verify_mode = ssl.CERT_REQUIRED
    client = context(ssl.Purpose.SERVER_AUTH, certificates, "filebeat")
    heard = []

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with server.wrap_socket(connection, server_side=True) as secure:
            heard.append(secure.recv(10))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        with (
            socket.create_connection(listening.getsockname(), timeout=10) as plain,
            client.wrap_socket(plain, server_hostname="logstash") as secure,
        ):
            secure.sendall(b"hello")
        thread.join(10)
    assert heard == [b"hello"]


def test_certificates_are_refused_under_another_name(certificates: Path) -> None:
    subject = ["openssl", "x509", "-noout", "-checkhost", "kibana", "-in", str(certificates / "logstash/logstash.crt")]
    assert "does NOT match" in subprocess.run(subject, check=True, capture_output=True, text=True).stdout


def test_certificates_hold_the_names_of_all_nodes(certificates: Path) -> None:
    made = certificates / "elasticsearch/elasticsearch.crt"
    for name in ("es01", "es02", "es03", "localhost"):
        command = ["openssl", "x509", "-noout", "-checkhost", name, "-in", str(made)]
        assert "does match" in subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_certificates_keys_are_pkcs8_and_closed_to_others(certificates: Path) -> None:
    for name in ("elasticsearch", "kibana", "logstash", "filebeat"):
        key = certificates / name / f"{name}.key"
        assert key.read_text().startswith("-----BEGIN PRIVATE KEY-----"), "Logstash reads PKCS #8 only"
        assert stat.S_IMODE(key.stat().st_mode) == 0o640
    assert stat.S_IMODE((certificates / "authority/ca.key").stat().st_mode) == 0o600


def test_certificates_stay_when_made_again_and_come_back_when_lost(certificates: Path) -> None:
    before = (certificates / "kibana/kibana.crt").read_bytes()
    lost = certificates / "filebeat/filebeat.crt"
    lost.unlink()
    said = make(certificates)
    assert (certificates / "kibana/kibana.crt").read_bytes() == before
    assert lost.is_file()
    assert "made the certificate of filebeat" in said
    assert "kibana" not in said
