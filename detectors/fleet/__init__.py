"""Training and scoring of whole fleets from columnar files, by the same functions that the jobs use on the store.

Way: `plan` (which series lie where) → `reading` (a batch of series as a panel) → `training` and `scoring` (a batch → a
model, scores) → `running` (batches in order by one process, several, or Dask workers) → `pipeline` (files in, one file out).
"""

from detectors.fleet.pipeline import ScoreReport, TrainReport, score_files, train_files

__all__ = ["ScoreReport", "TrainReport", "score_files", "train_files"]
