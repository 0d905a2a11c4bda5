"""How fast records are generated and how like a sample they are, beside other ways to make them, in one run.

`datagen.bench.generate.bench_generate` is the way in. Nothing is imported here: each measurement runs in a process of its own,
which imports what it needs.
"""
