"""One-off of the compose stack: imports our saved objects into Kibana. Running it again replaces ours and touches no other."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from requests.auth import HTTPBasicAuth

from contracts.errors import BusyhourError, SettingError, UserError
from infrastructure.kibana import Account, Kibana

VARIABLES = ("KIBANA_URL", "KIBANA_CA", "KIBANA_USER", "KIBANA_PASSWORD")
AWAY = "see `docker compose ps kibana`"


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
        auth = HTTPBasicAuth(user.encode(), password.encode())
        kibana = Kibana(Account(url.rstrip("/"), auth, authority, away=AWAY))
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
