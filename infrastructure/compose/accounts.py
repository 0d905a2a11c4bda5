"""One-off of the compose stack: users and roles with least privilege. Run as the superuser; running it again changes nothing.

`busyhour_logstash` may add records and rejects, and neither read, change nor delete any; `busyhour_jobs` works with our
own indices and nothing else; `busyhour_console` asks as whoever is signed in (infrastructure/elasticsearch/roles/console.yml,
which `busyhour setup` installs); `kibana_system` is Elasticsearch's own user for Kibana and only gets its password.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from contracts.errors import BusyhourError, SettingError
from contracts.indices import ALL, CDR_INDEX, Index
from infrastructure.configuration import load
from infrastructure.roles import CONSOLE, all_roles, index_names
from infrastructure.store import Store

LEAST_PASSWORD = 6  # Elasticsearch's own limit
LOGSTASH, JOBS, KIBANA = "busyhour_logstash", "busyhour_jobs", "kibana_system"
PASSWORDS = {
    KIBANA: "STACK_KIBANA_PASSWORD",
    LOGSTASH: "STACK_LOGSTASH_PASSWORD",
    JOBS: "STACK_JOBS_PASSWORD",
    CONSOLE: "STACK_CONSOLE_PASSWORD",
}
_ADD = ["create_doc", "create_index", "view_index_metadata"]
_WORK = ["read", "write", "create_index", "view_index_metadata", "monitor", "maintenance"]


def role_bodies() -> dict[str, dict[str, Any]]:
    """Roles by name, as `PUT _security/role/<name>` takes them."""
    added = [*CDR_INDEX.values(), "cdr-reject"]
    return {
        LOGSTASH: _role("adds records and rejects", [index for index in ALL if index.name in added], _ADD),
        JOBS: _role("roll-up, training, detection, alerting", list(ALL), _WORK),
    }


def _role(meaning: str, indices: list[Index], privileges: list[str]) -> dict[str, Any]:
    names = sorted(name for index in indices for name in index_names(index))
    return {
        "description": meaning,
        "cluster": ["monitor"],
        "indices": [{"names": names, "privileges": privileges}],
    }


def passwords(environment: Mapping[str, str]) -> dict[str, str]:
    """Password by user. Raises SettingError naming the variable that is unset or too short."""
    found = {}
    for user, variable in PASSWORDS.items():
        password = environment.get(variable, "")
        if len(password) < LEAST_PASSWORD:
            raise SettingError(
                f"has {len(password)} characters, fewer than {LEAST_PASSWORD}",
                where=variable,
                remedy="set it in .env, as .env.example says",
            )
        found[user] = password
    return found


def install(ask: Callable[[str, str, Any], Any], secrets: Mapping[str, str]) -> list[str]:
    """Roles and users through `ask(method, path, body)`; what was done, one line each."""
    done = []
    for role, body in role_bodies().items():
        ask("PUT", f"/_security/role/{role}", body)
        ask(
            "PUT",
            f"/_security/user/{role}",
            {"password": secrets[role], "roles": [role], "full_name": body["description"]},
        )
        done.append(f"user and role {role}: {body['description']}")
    console = {"password": secrets[CONSOLE], "roles": [CONSOLE], "full_name": all_roles()[CONSOLE].title}
    ask("PUT", f"/_security/user/{CONSOLE}", console)
    done.append(f"user {CONSOLE}: {console['full_name']}")
    ask("POST", f"/_security/user/{KIBANA}/_password", {"password": secrets[KIBANA]})
    return [*done, f"password of {KIBANA}"]


def main(environment: Mapping[str, str]) -> int:
    """Exit code: 0 done, else the error's own."""
    try:
        secrets = passwords(environment)
        store = Store.connect(
            load({name: value for name, value in environment.items() if name not in PASSWORDS.values()})
        )
        for line in install(store.exchange.ask, secrets):
            sys.stdout.write(line + "\n")
    except BusyhourError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    import os

    raise SystemExit(main(os.environ))
