"""Filebeat's inputs: one per layout, a folder each."""

from __future__ import annotations

from mediation.layout import Layout
from mediation.logstash.language import NOTE
from mediation.logstash.pipelines import LINE_BYTES
from mediation.sniff import FINGERPRINT_BYTES


def inputs(family: str, layouts: list[Layout]) -> str:
    """The file `filebeat/inputs.d/FAMILY.yml`."""
    lines = [
        f"# {NOTE}",
        "#",
        f"# Files of the {family} formats, one folder per format. filebeat.yml says what they have in common.",
    ]
    for layout in layouts:
        lines += [
            "",
            f"# {layout.title}",
            "- type: filestream",
            f"  id: {layout.name}",
            f"  paths: [/var/lib/cdr/{layout.name}/**/*]",
            f"  tags: [{family}, {layout.name}]",
            f"  fields: {{family: {family}, layout: {layout.name}}}",
            "  encoding: plain  # Logstash judges the encoding, so that a bad line is a reject and not silently altered",
            f"  message_max_bytes: {LINE_BYTES + 1}  # one more than is taken: a longer line arrives cut, and is a reject",
            "  prospector.scanner.exclude_files: ['/\\.', '\\.(tmp|part|partial|filepart|swp)$', '~$']  # still being written",
            "  prospector.scanner.recursive_glob: true",
            "  prospector.scanner.check_interval: 10s",
            "  prospector.scanner.symlinks: false",
            "  # A file is what it holds, not where it lies: renamed, rotated or moved it goes on where it was.",
            "  prospector.scanner.fingerprint.enabled: true",
            "  prospector.scanner.fingerprint.offset: 0",
            f"  prospector.scanner.fingerprint.length: {FINGERPRINT_BYTES}",
            "  file_identity.fingerprint: ~",
            "  close.on_state_change.inactive: 1m  # makes room for the next file; one that grows again is opened again",
            "  close.on_state_change.renamed: false",
            "  close.on_state_change.removed: false  # what is open is read to its end, even when it is deleted",
            "  clean_inactive: -1  # never: a state forgotten is a file read twice",
            "  clean_removed: true  # a state is kept as long as its file",
            "  harvester_limit: 512  # files open at once",
        ]
    return "\n".join(lines) + "\n"
