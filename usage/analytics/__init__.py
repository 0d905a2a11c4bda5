"""Reports by SQL aggregation, one file a report; `usage.analytics.pipeline` has them by name."""
