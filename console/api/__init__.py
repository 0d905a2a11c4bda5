"""The REST API under `/api/v1`: the pages' nouns for machines, with the same rights."""
