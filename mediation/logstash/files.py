"""Everything of the Filebeat and Logstash route that follows from the layouts, as files: path → text.

    filebeat/inputs.d/FAMILY.yml       one filestream input per layout
    logstash/pipelines.yml             the pipelines and their queues
    logstash/pipelines/intake.conf     Filebeat → the family's pipeline
    logstash/pipelines/FAMILY.conf     lines → documents or rejects, one block per layout
    logstash/pipelines/store.conf      → Elasticsearch
    logstash/dictionaries/*            what filters look things up in
    logstash/pipelines/dead-letters.conf   documents that Elasticsearch refused → rejects

They are checked in; `busyhour layouts render` writes them, and a test fails when they are stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mediation.layout import Layout
from mediation.load import load_layouts
from mediation.logstash.enrich import tables
from mediation.logstash.filebeat_inputs import inputs
from mediation.logstash.language import NOTE
from mediation.logstash.pipelines import dead_letters, family_pipeline, intake, store


def render(layouts: Iterable[Layout]) -> dict[str, str]:
    """Files by path below the project's root, made of those layouts that Logstash can run. Raises LayoutError."""
    families: dict[str, list[Layout]] = {}
    for layout in sorted(layouts, key=lambda layout: layout.name):
        if "logstash" in layout.runners:
            families.setdefault(layout.family, []).append(layout)
    files = {
        "logstash/pipelines.yml": _pipelines(families),
        "logstash/pipelines/intake.conf": intake(families),
        "logstash/pipelines/store.conf": store(families),
        "logstash/pipelines/dead-letters.conf": dead_letters(families),
        **tables(),
    }
    for family, members in sorted(families.items()):
        files[f"logstash/pipelines/{family}.conf"] = family_pipeline(family, members)
        files[f"filebeat/inputs.d/{family}.yml"] = inputs(family, members)
    return files


def write_rendered(root: Path, layouts: Mapping[str, Layout] | None = None) -> list[str]:
    """Writes what differs below `root` and removes rendered files that no layout asks for; their paths. Raises LayoutError."""
    files = render((load_layouts() if layouts is None else layouts).values())
    changed = []
    for path, text in files.items():
        place = root / path
        if not place.is_file() or place.read_text(encoding="utf-8") != text:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            changed.append(path)
    for folder, pattern in (("logstash/pipelines", "*.conf"), ("filebeat/inputs.d", "*.yml")):
        for place in sorted((root / folder).glob(pattern)):
            path = f"{folder}/{place.name}"
            if path not in files and NOTE in place.read_text(encoding="utf-8"):
                place.unlink()
                changed.append(path)
    return changed


def _pipelines(families: Iterable[str]) -> str:
    lines = [f"# {NOTE}", "#", "# intake → one pipeline per family of formats → store → Elasticsearch"]
    lines += [
        "# Every queue is on disk (logstash.yml), so that a line acknowledged to Filebeat survives a kill at any step.",
        "",
    ]
    for name in ("intake", *sorted(families), "store", "dead-letters"):
        lines += [f"- pipeline.id: {name}"]
        lines += [f'  path.config: "${{PIPELINE_HOME:/usr/share/logstash/busyhour}}/pipelines/{name}.conf"']
        if name == "dead-letters":
            lines += [
                "  # Its own dead letters are in a folder of their own, which nothing reads: nothing goes round for ever."
            ]
    return "\n".join(lines) + "\n"
