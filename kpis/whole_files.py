"""Files that appear whole or not at all, whoever is killed while they are written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from contracts.errors import OperatorError


def put(path: Path, body: bytes) -> None:
    """Work for `write_whole` where the body is there already."""
    path.write_bytes(body)


def write_whole(path: Path, work: Callable[[Path], None]) -> None:
    """`work` writes a file aside, which takes the name `path` when it is complete. Raises OperatorError where it cannot be."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            work(aside)
            with aside.open("rb") as file:
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise OperatorError(f"cannot be written: {error.strerror}", where=str(path)) from None
