"""Text that is no UTF-8: lines of it as UTF-8, with their places in the file as it is."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from mediation.collect import Line, physical_lines

_LITTLE, _BIG = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE


def codec_of(encoding: str, head: bytes) -> str:
    """Python's name for what a layout calls `encoding`; the first bytes of a UTF-16 file tell which half comes first."""
    if encoding != "utf-16":
        return encoding
    return "utf-16-be" if head.startswith(_BIG) else "utf-16-le"


def decoded_head(encoding: str, head: bytes) -> str:
    """The first bytes of a file as text, without a byte order mark; what is wrong in them is U+FFFD."""
    return head.decode(codec_of(encoding, head), "replace").removeprefix("\ufeff")


def transcoded_lines(encoding: str, stream: BinaryIO, limit: int, prefix: bytes = b"") -> Iterator[Line]:
    """As `physical_lines`, of the text in UTF-8; offsets are those of the lines in `stream`. What is wrong in it is U+FFFD."""
    transcoder = _Transcoder(encoding, stream)
    for _, number, raw in physical_lines(transcoder, limit, prefix):  # type: ignore[arg-type]
        yield transcoder.starts.popleft(), number, raw


class _Transcoder:
    """The stream in UTF-8. `starts`: offsets in the stream of the lines read so far and not taken yet."""

    def __init__(self, encoding: str, stream: BinaryIO) -> None:
        self.encoding, self.stream = encoding, stream
        self.starts: deque[int] = deque([0])
        self.unit = 2 if encoding == "utf-16" else 1
        self.position = 0  # of the first character not decoded yet
        self.decoder: codecs.IncrementalDecoder | None = None

    def read(self, size: int) -> bytes:
        """UTF-8 made of the next `size` bytes of the stream; empty at its end."""
        while True:
            block = self.stream.read(size)
            if self.decoder is None:
                self.decoder = codecs.getincrementaldecoder(codec_of(self.encoding, block))("replace")
            text = self.decoder.decode(block, final=not block)
            begins = self.position == 0
            self._note(text)
            if begins:
                text = text.removeprefix("\ufeff")
            if text or not block:
                return text.encode()

    def _note(self, text: str) -> None:
        for line in text.split("\n")[:-1]:
            self.position += self._length(line) + self.unit
            self.starts.append(self.position)
        self.position += self._length(text.rpartition("\n")[2])

    def _length(self, text: str) -> int:
        """Bytes of `text` in the stream. What was wrong there is U+FFFD now, and took as many bytes."""
        return len(text) if self.unit == 1 else len(text.encode("utf-16-le"))
