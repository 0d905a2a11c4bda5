"""English sentences known again by the messages they were made from, and said in the viewer's language.

Reasons, summaries and titles are kept in documents in English, and errors of the library speak it. Both are made of fixed
messages with parts (`contracts.sentences`, the shipped watches, f-strings of `raise`): `sources` lists these from the source,
the catalogues translate them, `book` finds the message and the parts of a text, `saying` says each part as the viewer has it.
What no message fits, such as people's words, stays as it is written.
"""

from console.phrases.book import ERRORS, SENTENCES, Book, Phrase

__all__ = ["ERRORS", "SENTENCES", "Book", "Phrase"]
