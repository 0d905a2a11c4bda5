"""Every layout that is read can be written: a table becomes the records of a layout, and records a file.

writer = writer_of(layout)
writer.check(table)                        raises before the first byte what `records` would raise
records = writer.records(table)            text with its line end, or the octets of a BER record, one a row
writer.file(records, facts)                bytes of one file
"""

from datagen.writers.writer import FileFacts, Writer, writer_of

__all__ = ["FileFacts", "Writer", "writer_of"]
