"""Settings as a run sees them: the environment over the settings file that BUSYHOUR_SETTINGS names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from contracts.errors import SettingError
from contracts.settings import Settings, read

FILE_VARIABLE = "BUSYHOUR_SETTINGS"


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Checked settings from `environment` (os.environ) and the YAML file it names.

    Raises SettingError with file or variable, key, value and remedy.
    """
    environment = os.environ if environment is None else environment
    name = environment.get(FILE_VARIABLE, "")
    return read(environment, _file_values(Path(name)) if name else {}, name)


def _file_values(path: Path) -> Mapping[str, Any]:
    """Keys as written, `es.url: …`; nested keys (`es: {url: …}`) mean the same."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(
            f"cannot be read: {error.strerror}", where=str(path), remedy=f"correct or unset {FILE_VARIABLE}"
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise SettingError(f"is not YAML: {error}", where=str(path)) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingError(
            "holds no settings", where=str(path), remedy="write one `name: value` a line, such as `es.timeout.sec: 30`"
        )
    return _flat(content)


def _flat(content: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            values |= _flat(value, f"{name}.")
        else:
            values[name] = value
    return values
