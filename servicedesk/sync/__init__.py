"""Customers, subscriptions and billing from a legacy system: CSV, JSON lines or SQL; keyed, repeatable, conflicts reported."""

from servicedesk.sync.pipeline import Conflict, Refused, SyncReport, synchronise
from servicedesk.sync.sources import rows_of_file, rows_of_sql
from servicedesk.sync.tables import TABLES

__all__ = ["TABLES", "Conflict", "Refused", "SyncReport", "rows_of_file", "rows_of_sql", "synchronise"]
