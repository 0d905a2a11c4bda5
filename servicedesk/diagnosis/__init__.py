"""What is wrong with one customer's service, why, and what to do next."""

from servicedesk.diagnosis.model import Account, Cause, Comparison, Diagnosis, Session, Touching
from servicedesk.diagnosis.pipeline import diagnose

__all__ = ["Account", "Cause", "Comparison", "Diagnosis", "Session", "Touching", "diagnose"]
