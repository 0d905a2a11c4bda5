"""Synthetic CDR files with labelled incidents, for demos, tests and capacity.

report = generate(Path("traffic"), start=date(2026, 11, 2), days=7, seed=1, incidents=Path("incidents.yml"))
run = plan(start=date(2026, 11, 2), days=7, seed=1)     the same, checked, nothing written
for table in tables(run, "voip"): ...                   its days as columns
"""

from datagen.pipeline import GenerateReport, Run, default_incidents, demo_start, estimate, generate, plan, tables

__all__ = ["GenerateReport", "Run", "default_incidents", "demo_start", "estimate", "generate", "plan", "tables"]
