"""Audit: the books of files proven against the store, and against each other by day.

audit(store, ["/var/cdr"])            files whose end nobody saw: what became of each of their lines
discover(store)                       an open row for every file that documents name and the ledger does not
reconcile(store, day)                 files delivered on a day, records of a day, and whether it all balances
"""

from mediation.audit.auditing import AuditReport, FileAudit, audit, counts_of
from mediation.audit.discover import discover
from mediation.audit.reconcile import DayBooks, RecordDay, Totals, reconcile

__all__ = ["AuditReport", "DayBooks", "FileAudit", "RecordDay", "Totals", "audit", "counts_of", "discover", "reconcile"]
