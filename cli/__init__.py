"""The command line: thin over the library, nouns first. Every command has `--help` with an example and `--json`."""
