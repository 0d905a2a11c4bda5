"""Which files are read, and what is said of those that may not be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import UserError
from mediation.collect import find_files
from mediation.load import load_layouts
from mediation.sniff import inspect


@pytest.fixture
def ordinary_user(tmp_path: Path) -> Iterator[Path]:
    """A folder, and nobody's rights to it even where the tests run as root."""
    folder = tmp_path / "folder"
    (folder / "locked").mkdir(parents=True)
    (folder / "locked" / "inside.csv").touch()
    (folder / "secret.csv").touch()
    for path in (folder, folder / "locked", folder / "secret.csv"):
        path.chmod(0o755)
    for parent in folder.parents:
        if parent.name.startswith(("pytest-", "popen-")) or parent == tmp_path:
            parent.chmod(parent.stat().st_mode | 0o055)
    (folder / "locked").chmod(0)
    (folder / "secret.csv").chmod(0)
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(before)
    (folder / "locked").chmod(0o700)


def test_file_is_named_when_it_may_not_be_read(ordinary_user: Path) -> None:
    with pytest.raises(UserError, match=r"secret\.csv: cannot be read: Permission denied"):
        inspect(ordinary_user / "secret.csv", load_layouts())


def test_folder_is_named_when_it_may_not_be_read(ordinary_user: Path) -> None:
    files, errors = find_files([ordinary_user])
    assert [path.name for path in files] == ["secret.csv"]
    assert [error.where for error in errors] == [str(ordinary_user / "locked")]


def test_path_is_named_when_its_folder_may_not_be_read(ordinary_user: Path) -> None:
    files, errors = find_files([ordinary_user / "locked" / "inside.csv"])
    assert files == []
    assert "Permission denied" in errors[0].what


def test_files_are_found_once_and_in_order_of_names(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "c/x.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    files, errors = find_files([tmp_path / "c" / ".." / "b.csv", tmp_path])
    assert [str(path.relative_to(tmp_path)) for path in files] == ["b.csv", "a.csv", "c/x.csv"]
    assert errors == []
