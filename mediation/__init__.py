"""Mediation: CDR files become canonical documents, or rejects with a reason, and the books balance.

report = ingest(store, ["sample_data"])           files → store
layouts = load_layouts()                          the formats, as data
mediator = compile_layout(layouts["voip-public"], key)
mediator.mediate(line)                            one line → Record or Reject
"""

from mediation.compile import Mediator, Pace, Record, compile_layout
from mediation.enrich.configured import known_layouts, layouts_in_use
from mediation.layout import Layout
from mediation.load import load_layout, load_layouts
from mediation.pipeline import ingest
from mediation.report import FileReport, IngestReport

__all__ = [
    "FileReport",
    "IngestReport",
    "Layout",
    "Mediator",
    "Pace",
    "Record",
    "compile_layout",
    "ingest",
    "known_layouts",
    "layouts_in_use",
    "load_layout",
    "load_layouts",
]
