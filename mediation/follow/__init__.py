"""Following: files of a hot folder are ingested while they grow, by one worker or several, without a shipper.

report = follow(store, ["/var/cdr"], stop=stop)     until stop.set()
report = follow(store, ["/var/cdr"], once=True)     until nothing is left to do
"""

from mediation.follow.pipeline import Stop, follow
from mediation.follow.report import Event, FollowReport

__all__ = ["Event", "FollowReport", "Stop", "follow"]
