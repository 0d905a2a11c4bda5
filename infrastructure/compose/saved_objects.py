"""One-off of the compose stack: imports our saved objects into Kibana. Running it again replaces ours and touches no other."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from contracts.errors import BusyhourError, OperatorError, SettingError, StoreRefused, StoreUnavailable, UserError

VARIABLES = ("KIBANA_URL", "KIBANA_CA", "KIBANA_USER", "KIBANA_PASSWORD")
TIMEOUT_SEC = 120


class Kibana:
    """Kibana's saved-objects API, as far as importing needs it."""

    def __init__(self, url: str, user: str, password: str, authority: str | None) -> None:
        """`authority`: PEM file of who signed its certificate; None: the system's."""
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.auth = (user, password)
        self._session.verify = authority or True
        # No proxy and no other credentials from the surroundings: this talks to the container beside it.
        self._session.trust_env = False

    def import_objects(self, name: str, content: bytes) -> int:
        """Objects imported from one NDJSON file, existing ones replaced.

        Raises StoreUnavailable when Kibana does not answer, StoreRefused when it refuses any of them.
        """
        place = f"{self.url}/api/saved_objects/_import"
        try:
            answer = self._session.post(
                place,
                params={"overwrite": "true"},
                headers={"kbn-xsrf": "busyhour"},
                files={"file": (name, content, "application/ndjson")},
                timeout=TIMEOUT_SEC,
            )
        except requests.RequestException as error:
            raise StoreUnavailable(
                f"Kibana does not answer: {error}", where=place, remedy="see `docker compose ps kibana`"
            ) from error
        body = _json(answer, place)
        if not answer.ok or not body.get("success"):
            raise StoreRefused(f"Kibana refused {name}: {_complaint(answer, body)}", where=place)
        return int(body["successCount"])


def _json(answer: requests.Response, place: str) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError as error:
        raise OperatorError(
            f"what answers is not Kibana ({answer.status_code})", where=place, remedy="check KIBANA_URL"
        ) from error
    return body if isinstance(body, dict) else {}


def _complaint(answer: requests.Response, body: dict[str, Any]) -> str:
    errors = [
        f"{row.get('type')} {row.get('id')}: {row.get('error', {}).get('type')}" for row in body.get("errors", [])
    ]
    return "; ".join(errors) or f"{answer.status_code} {body.get('message', '')}".strip()


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """`saved_objects FOLDER`; exit code 0 when all of it was imported."""
    try:
        missing = [name for name in VARIABLES if not environment.get(name)]
        if missing or len(arguments) != 1:
            raise SettingError(
                "unset" if missing else "takes one folder", where=", ".join(missing) or "saved_objects FOLDER"
            )
        files = sorted(Path(arguments[0]).glob("*.ndjson"))
        if not files:
            raise UserError("holds no *.ndjson", where=arguments[0])
        url, authority, user, password = (environment[name] for name in VARIABLES)
        kibana = Kibana(url, user, password, authority)
        for path in files:
            count = kibana.import_objects(path.name, path.read_bytes())
            sys.stdout.write(f"{path.name}: {count} objects imported\n")
    except BusyhourError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    import os

    raise SystemExit(main(sys.argv[1:], os.environ))
