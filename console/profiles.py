"""What a person chose for themselves: name, language, zone, theme, notices. Kept by the console's own account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from console.errors import RequestError
from console.i18n import LANGUAGES, zones
from contracts.clock import Clock, iso
from infrastructure.store import Store

THEMES = ("", "light", "dark")
SEVERITIES = ("critical", "major", "minor", "warning")
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Profile:
    """Empty texts: as the browser has it. `notify`: severities of alerts that pages announce."""

    username: str
    name: str = ""
    language: str = ""
    timezone: str = ""
    theme: str = ""
    notify: tuple[str, ...] = ("critical", "major")

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Profiles:
    """`store`: the console's own."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def get(self, username: str) -> Profile:
        """The profile, an empty one where nobody chose anything."""
        found = self._store.get("profile", username)
        return read_profile(username, found.source) if found else Profile(username)

    def change(self, username: str, values: Mapping[str, Any]) -> Profile:
        """Replaces the keys that are given. Raises RequestError on a value that cannot be."""
        checked = check(values)

        def document(source: Mapping[str, Any]) -> dict[str, Any]:
            now = (
                {**read_profile(username, source).as_dict(), **checked}
                if source
                else {**Profile(username).as_dict(), **checked}
            )
            return _document(now, iso(self._clock()))

        source = self._store.modify("profile", username, document, create=lambda: document({}))
        return read_profile(username, source)


def check(values: Mapping[str, Any]) -> dict[str, Any]:
    """Raises RequestError naming key and value."""
    allowed: dict[str, tuple[str, ...]] = {"language": ("", *LANGUAGES), "timezone": ("", *zones()), "theme": THEMES}
    for key, choices in allowed.items():
        if key in values and values[key] not in choices:
            raise RequestError(f"{key}: {str(values[key])[:60]!r} cannot be chosen")
    if len(str(values.get("name", ""))) > _LONGEST_NAME:
        raise RequestError(f"name: longer than {_LONGEST_NAME} characters")
    wrong = [each for each in values.get("notify", ()) if each not in SEVERITIES]
    unknown = [key for key in values if key not in ("name", "language", "timezone", "theme", "notify")]
    if wrong or unknown:
        raise RequestError(f"{'notify' if wrong else 'profile'}: {str((wrong or unknown)[0])[:60]!r} is not known")
    return {**values, **({"notify": tuple(values["notify"])} if "notify" in values else {})}


def read_profile(username: str, source: Mapping[str, Any]) -> Profile:
    """From a stored document; an empty one from none."""
    kept = source.get("profile", {})
    return Profile(
        username,
        source.get("user", {}).get("full_name", ""),
        kept.get("language", ""),
        kept.get("timezone", ""),
        kept.get("theme", ""),
        tuple(kept.get("notify", ())),
    )


def _document(values: Mapping[str, Any], now: str) -> dict[str, Any]:
    chosen = {key: values[key] for key in ("language", "timezone", "theme") if values[key]}
    return {
        "event": {"ingested": now},
        "user": {"name": values["username"], "full_name": values["name"]},
        "profile": {**chosen, "notify": list(values["notify"])},
    }
