"""Asking and telling. Every question can be answered with `b` (back) or `q` (quit); Ctrl-D and Ctrl-C quit as well."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TextIO, TypeVar

Answer = TypeVar("Answer")
BACK = ("b", "back")
PROMPT = " > "  # ends every question
QUIT = ("q", "quit", "exit")


class Back(Exception):
    """The user wants to go one menu back."""


class Quit(Exception):
    """The user wants to leave."""


class Screen:
    """Lines in, lines out."""

    def __init__(self, stdin: TextIO, stdout: TextIO) -> None:
        # Odd bytes must not end the session: what cannot be read is refused by the checks, what cannot be shown is a mark.
        for stream, errors in ((stdin, "surrogateescape"), (stdout, "replace")):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors=errors)
        self._stdin, self._stdout = stdin, stdout

    def say(self, text: str = "") -> None:
        self._stdout.write(f"{text}\n")
        self._stdout.flush()

    def line(self, prompt: str) -> str:
        """One line of input. Raises Back or Quit; Quit at the end of input and on Ctrl-C."""
        self._stdout.write(prompt)
        self._stdout.flush()
        try:
            given = self._stdin.readline()
        except KeyboardInterrupt:
            self.say()
            raise Quit from None
        if not given:
            self.say()
            raise Quit
        text = given.strip()
        if text.lower() in QUIT:
            raise Quit
        if text.lower() in BACK:
            raise Back
        return text

    def ask(self, what: str, read: Callable[[str], Answer], *, default: str | None = None, hint: str = "") -> Answer:
        """Asks until `read` takes the answer; its ValueError is the reason that is shown. Nothing typed is the default."""
        notes = ", ".join(note for note in (hint, f"Enter: {default or 'none'}" if default is not None else "") if note)
        prompt = f"{what} ({notes}){PROMPT}" if notes else f"{what}{PROMPT}"
        while True:
            text = self.line(prompt)
            if not text and default is None:
                self.say("  Please type an answer, b to go back or q to quit.")
                continue
            try:
                return read(text or default or "")
            except ValueError as reason:
                self.say(f"  Not taken: {reason}. Please try again.")

    def choose(self, title: str, choices: Sequence[str], *, default: int | None = None) -> int:
        """Shows numbered choices; returns the position of the chosen one."""
        self.say()
        self.say(title)
        for number, choice in enumerate(choices, 1):
            self.say(f"  {number}  {choice}")

        def read(text: str) -> int:
            if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= len(choices)):
                raise ValueError(f"{text[:40]!r} is not one of 1 to {len(choices)}")
            return int(text) - 1

        return self.ask("Choice", read, default=None if default is None else str(default + 1), hint="b back, q quit")
