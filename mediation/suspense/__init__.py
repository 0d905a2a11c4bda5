"""Suspense: what became of lines that were no records when they came, and what can be done about them.

retry(store, Selection(reason="bad_time"), by="anna")             mediated again: recycled, or suspended still
discard(store, Selection(file="x.csv"), by="anna", why="…")       given up
sweep(store, Selection())                                         recycled, where reading a file again made records of them
movements(store), balance(store)                                  the same in the books of the files
"""

from mediation.suspense.again import Again, Unfit
from mediation.suspense.delivered import remember, settle_movements
from mediation.suspense.ledger import Movement, balance, movements
from mediation.suspense.moving import note
from mediation.suspense.retry import SuspenseReport, discard, retry, sweep
from mediation.suspense.states import DISCARDED, RECYCLED, STATES, SUSPENDED, USAGE_STATUS, Selection, state_of

__all__ = [
    "DISCARDED",
    "RECYCLED",
    "STATES",
    "SUSPENDED",
    "USAGE_STATUS",
    "Again",
    "Movement",
    "Selection",
    "SuspenseReport",
    "Unfit",
    "balance",
    "discard",
    "movements",
    "note",
    "remember",
    "retry",
    "settle_movements",
    "state_of",
    "sweep",
]
