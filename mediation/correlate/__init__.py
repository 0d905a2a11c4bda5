"""Correlation: partial records of one data session become one session, legs of one call one call. See docs/correlation.md."""

from mediation.correlate.pipeline import CorrelateReport, correlate

__all__ = ["CorrelateReport", "correlate"]
