"""Many lines of a delimited file at once: cells as columns, documents as one text (`compile_columns`)."""
