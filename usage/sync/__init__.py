"""CDRs that were mediated into the usage store: incrementally, each record once, with counts that must balance."""

from usage.sync.pipeline import SourceReport, SyncReport, sync

__all__ = ["SourceReport", "SyncReport", "sync"]
