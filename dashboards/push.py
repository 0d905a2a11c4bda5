"""Installing what `build` made into a Kibana: the space, the saved objects in order, the rules. Twice changes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from contracts.errors import UserError
from dashboards.build import FOLDER, RULES, stale
from infrastructure.kibana import Kibana

SPACE_NAME = "Busyhour"


@dataclass(slots=True)
class PushReport:
    """`objects` by file; rules that were made and that were there. `space_made`: the space was not there before."""

    space: str
    version: str
    space_made: bool
    objects: dict[str, int] = field(default_factory=dict)
    rules_made: int = 0
    rules_changed: int = 0


def push(kibana: Kibana, root: Path, *, rules: bool = True) -> PushReport:
    """Raises UserError where the saved objects are stale, and what the Kibana class raises; what was done until then stays."""
    old = stale(root)
    if old:
        raise UserError(
            f"{len(old)} built files are not what the YAML says: {', '.join(old[:3])}",
            where=FOLDER,
            remedy="run `busyhour dashboards build`",
        )
    version = kibana.version()
    report = PushReport(kibana.space, version, kibana.ensure_space(SPACE_NAME))
    for path in sorted((root / FOLDER).glob("*.ndjson")):
        report.objects[path.name] = kibana.import_objects(path.name, path.read_bytes())
    for rule in json.loads((root / RULES).read_text(encoding="utf-8")) if rules else ():
        if kibana.put_rule(rule["id"], rule["body"]):
            report.rules_made += 1
        else:
            report.rules_changed += 1
    return report
