"""Detection: what is normal for each hour of the week, what deviates from it, and why in words."""

from detectors.detection import DetectReport
from detectors.evaluation import Evaluation, Found, Labelled, Match, evaluate, read_truth
from detectors.feedback import Mark
from detectors.marking import mark, marks
from detectors.pipeline import detect, drill_down, evaluate_truth, service_states, train
from detectors.reading import BaselinesInUse, baseline_hours
from detectors.revision import Written
from detectors.training import TrainReport

__all__ = [
    "BaselinesInUse",
    "DetectReport",
    "Evaluation",
    "Found",
    "Labelled",
    "Mark",
    "Match",
    "TrainReport",
    "Written",
    "baseline_hours",
    "detect",
    "drill_down",
    "evaluate",
    "evaluate_truth",
    "mark",
    "marks",
    "read_truth",
    "service_states",
    "train",
]
