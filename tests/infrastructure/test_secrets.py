"""The key of the keyed hash: given, or made once and kept for its owner's eyes only."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contracts.errors import OperatorError, SettingError
from contracts.settings import read
from infrastructure.secrets import kept_secret, pii_key


def test_pii_key_is_the_one_given() -> None:
    assert pii_key(read({"BUSYHOUR_PII_KEY": "0123456789abcdef"})) == b"0123456789abcdef"


def test_pii_key_is_refused_when_too_short() -> None:
    with pytest.raises(SettingError, match=r"pii\.key: is 5 bytes long") as caught:
        pii_key(read({"BUSYHOUR_PII_KEY": "short"}))
    assert "short" not in str(caught.value).replace("shorter", "")


def test_pii_key_is_made_once_and_kept_private_when_none_is_given(tmp_path: Path) -> None:
    settings = read({"BUSYHOUR_HOME": str(tmp_path / "home")})
    key = pii_key(settings)
    assert len(key) == 64
    assert pii_key(settings) == key
    path = tmp_path / "home" / "secrets" / "pii.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_pii_key_is_the_same_for_all_when_many_ask_at_once(tmp_path: Path) -> None:
    settings = read({"BUSYHOUR_HOME": str(tmp_path)})
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: pii_key(settings), range(32)))) == 1
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["pii.key"]


@pytest.mark.parametrize("content", [b"", b"abc\n", b"\xff\xfe\x00"])
def test_kept_secret_is_refused_when_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pii.key"
    path.write_bytes(content)
    with pytest.raises(OperatorError, match=r"pii\.key"):
        kept_secret(path)
    assert path.read_bytes() == content


def test_kept_secret_says_where_when_the_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("")
    with pytest.raises(OperatorError, match="secret cannot be kept") as caught:
        pii_key(read({"BUSYHOUR_HOME": str(tmp_path)}))
    assert "BUSYHOUR_PII_KEY" in caught.value.remedy
