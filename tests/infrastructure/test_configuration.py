"""Settings of a run: environment over file, everything else refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import SettingError
from infrastructure.configuration import load


def written(folder: Path, text: str | bytes) -> dict[str, str]:
    path = folder / "busyhour.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return {"BUSYHOUR_SETTINGS": str(path)}


def test_load_gives_defaults_when_nothing_is_set() -> None:
    settings = load({})
    assert (settings.text("home"), settings.number("es.wait.sec")) == (".busyhour", 900)


def test_load_reads_dotted_and_nested_keys(tmp_path: Path) -> None:
    settings = load(written(tmp_path, "es.timeout.sec: 30\nkpi:\n  sms.within.sec: 60\n  ner: {user.numbers: no}\n"))
    assert settings.number("es.timeout.sec") == 30
    assert settings.number("kpi.sms.within.sec") == 60
    assert settings["kpi.ner.user.numbers"] is False


def test_load_prefers_the_environment(tmp_path: Path) -> None:
    environment = written(tmp_path, "es.timeout.sec: 30\nes.wait.sec: 5\n") | {"BUSYHOUR_ES_TIMEOUT_SEC": "40"}
    settings = load(environment)
    assert (settings.number("es.timeout.sec"), settings.number("es.wait.sec")) == (40, 5)


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_load_takes_an_empty_file(tmp_path: Path, text: str) -> None:
    assert load(written(tmp_path, text)) == load({})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("es.timeout.secs: 30\n", "es.timeout.secs.*did you mean es.timeout.sec"),
        ("es:\n  wait: 3\n", "unknown setting 'es.wait'"),
        ("es.timeout.sec: soon\n", "es.timeout.sec: 'soon' is not a whole number"),
        ("es.timeout.sec: 0\n", "0 is outside 1 to 3600 s"),
        ("partition.period: hour\n", "'hour' is not one of day, week, month, year"),
        ("network.timezone: Mars/Olympus\n", "unknown time zone"),
        ("- a\n- b\n", "holds no settings"),
        ("a: [\n", "is not YAML"),
        (b"\xff\xfe\x00", "is not YAML"),
    ],
)
def test_load_names_file_key_and_value_when_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        load(written(tmp_path, text))
    assert "busyhour.yml" in str(caught.value)


def test_load_names_the_file_when_it_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"none\.yml: cannot be read: No such file"):
        load({"BUSYHOUR_SETTINGS": str(tmp_path / "none.yml")})


def test_load_names_the_variable_when_it_is_unknown() -> None:
    with pytest.raises(SettingError, match="BUSYHOUR_HOMME; did you mean BUSYHOUR_HOME"):
        load({"BUSYHOUR_HOMME": "x"})
