"""Formulas over other KPIs: parsed and evaluated here, never run as code; and the order in which they depend on each other."""

from kpis.formulas.evaluate import Missing, NotMeasurable, evaluate
from kpis.formulas.language import FUNCTIONS, Formula, parse
from kpis.formulas.order import in_order

__all__ = ["FUNCTIONS", "Formula", "Missing", "NotMeasurable", "evaluate", "in_order", "parse"]
