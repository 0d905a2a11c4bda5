"""Certificates for tests, made by the stack's own script."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "infrastructure/compose/certificates.sh"


def make(folder: Path) -> Path:
    """NAME/NAME.crt, NAME/NAME.key and NAME/ca.crt for `logstash` (a server) and `filebeat` (a client); all know `localhost`."""
    if shutil.which("openssl") is None or shutil.which("bash") is None:
        pytest.skip("no openssl or bash here; they would make certificates")
    subprocess.run(["bash", str(SCRIPT), str(folder)], check=True, capture_output=True)
    return folder


def client(folder: Path, name: str = "filebeat") -> ssl.SSLContext:
    """A client that trusts the authority and shows its own certificate; `name` "": it has none."""
    context = ssl.create_default_context(cafile=str(folder / "logstash" / "ca.crt"))
    if name:
        context.load_cert_chain(folder / name / f"{name}.crt", folder / name / f"{name}.key")
    return context
