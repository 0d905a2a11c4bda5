"""Any series of numbers in time: one score per row, 0–1, from that row and earlier ones only.

series = read_series(path)
write_scores(out, series, score_series(series.values, series.seconds))
"""

from detectors.series.pipeline import ALARM, probation, score_series
from detectors.series.reading import Series, read_series, write_scores

__all__ = ["ALARM", "Series", "probation", "read_series", "score_series", "write_scores"]
