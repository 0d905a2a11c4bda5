"""Nouns that every step shares: names, records, errors, settings, time. Pure: no I/O, no clock, no imports from above."""
