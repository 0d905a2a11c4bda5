"""Revisions of the usage store's tables, run by Alembic; `usage.migrate` is the way in."""
