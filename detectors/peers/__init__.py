"""Public detectors behind one signature, to measure ours against; none of them is part of the way of a record.

available()["random_cut_forest"](values, step_sec, learn)  ->  scores of shape (rows,), higher is more anomalous
"""

from detectors.peers.catalogue import available, missing
from detectors.peers.interface import Peer

__all__ = ["Peer", "available", "missing"]
