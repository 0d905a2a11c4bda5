"""Files into the usage store: records from CSV, customers from CSV or JSON lines."""
