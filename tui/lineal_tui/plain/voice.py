"""The only reader of what is typed and writer of what is said: one statement a line, and nothing that moves a cursor.

No escape, no carriage return, no colour: whatever is said passes through `present/text.py` once more at the door.
"""

from __future__ import annotations

import io
from typing import TextIO

from lineal_tui.plain import words
from lineal_tui.present import text

_LONGEST = 10_000  # characters of a typed line: more was pasted by mistake
_SAID = 2_000  # characters of one statement


class Over(Exception):
    """Nothing more will be typed."""


class Voice:
    """Says statements and asks for lines. What comes from a file or pipe is repeated, so that a transcript is whole."""

    def __init__(self, read: TextIO, write: TextIO) -> None:
        if isinstance(read, io.TextIOWrapper):
            read.reconfigure(errors="replace")  # what is pasted may be anything
        self._read, self._write = read, write
        self._typed = read.isatty()

    def say(self, *statements: str) -> None:
        """Say each statement on a line of its own."""
        for said in statements:
            if said:
                self._write.write(words.sentence(text.safe(said, _SAID)) + "\n")
        self._write.flush()

    def pass_on(self, said: str) -> None:
        """Say a line of somebody else's as it is, without a full stop: it may be data."""
        self._write.write(text.safe(said, _SAID) + "\n")
        self._write.flush()

    def ask(self, prompt: str) -> str:
        """Ask for a line. Raises Over at the end of what is typed, KeyboardInterrupt at ctrl+c."""
        self._write.write(f"{text.safe(prompt, 200)}> ")
        self._write.flush()
        try:
            typed = self._line()
        except (Over, KeyboardInterrupt):
            self._write.write("\n")  # the next statement begins a line
            raise
        if not self._typed:
            self._write.write(text.safe(typed, 400) + "\n")
        return typed

    def _line(self) -> str:
        typed = self._read.readline(_LONGEST)
        if not typed:
            raise Over
        if typed.endswith("\n") or len(typed) < _LONGEST:
            return typed.strip()
        while (rest := self._read.readline(_LONGEST)) and not rest.endswith("\n"):
            pass
        return ""
