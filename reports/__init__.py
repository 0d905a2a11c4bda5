"""What combines several parts into something a person reads: the KPI report with pictures, and its mailing."""
