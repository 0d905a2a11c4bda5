"""Texts in one buffer are what a list of the same texts is."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.bulk import body, requests
from infrastructure.texts import Run, Texts


def run_of(texts: list[bytes], before: bytes = b"") -> Run:
    edges = np.cumsum([len(before), *map(len, texts)])
    return Run(memoryview(before + b"".join(texts)), edges)


WORDS = st.lists(st.binary(max_size=6), max_size=6)
PIECES = st.lists(st.one_of(st.binary(max_size=6), WORDS), max_size=6)


@given(WORDS, st.binary(max_size=3), st.integers(0, 7), st.integers(0, 7))
def test_a_run_is_its_texts(words: list[bytes], before: bytes, start: int, end: int) -> None:
    run = run_of(words, before)
    assert list(run) == words
    assert [run[at] for at in range(len(run))] == words
    assert bytes(run.body()) == b"".join(words)
    assert list(run[start:end]) == words[start:end]
    assert bytes(run[start:end].body()) == b"".join(words[start:end])


@given(PIECES, st.integers(1, 20))
def test_single_texts_and_runs_are_a_sequence(pieces: list[bytes | list[bytes]], most: int) -> None:
    texts, plain = Texts(), list[bytes]()
    for piece in pieces:
        if isinstance(piece, bytes):
            texts.append(piece)
            plain.append(piece)
        else:
            texts.extend(run_of(piece))
            plain += piece
    assert list(texts) == plain
    assert [texts[at] for at in range(len(texts))] == plain
    assert texts.size == sum(map(len, plain))
    ranges = list(requests(texts, most))
    assert [list(each) for each in ranges] == [list(each) for each in requests(plain, most)]
    assert b"".join(body(texts, each) for each in ranges) == b"".join(plain)
    texts.replace(b"a", b"bc")
    assert list(texts) == [word.replace(b"a", b"bc", 1) for word in plain]
    assert texts.body() == b"".join(texts)
