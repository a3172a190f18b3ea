r"""Regular expressions that match in time linear to the text, whatever a policy says: an automaton, no backtracking.

The part of Python's syntax that needs no more: characters, `.`, `[a-z]`, `[^/]`, `\d \w \s` (ASCII) and their
opposites, `( )`, `(?: )`, `|`, `* + ? {2} {1,3}`. A pattern always stands for the whole text. Method: K. Thompson,
"Regular expression search algorithm", 1968.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lineal.errors import ConfigError

LONGEST = 512  # characters of a text; no name that anybody gives is longer
_PATTERN = 512  # characters
_STATES = 2000
_DEPTH = 40  # groups within groups
_REPEATS = 512

Ranges = tuple[tuple[int, int], ...]
_LAST = 0x10FFFF
_SIMPLE = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_QUANTIFIER = re.compile(r"([*+?])|\{([0-9]{1,4})?(,)?([0-9]{1,4})?\}")


def _span(text: str) -> Ranges:
    """Return ranges of code points, written as pairs: `azAZ`."""
    return tuple((ord(text[i]), ord(text[i + 1])) for i in range(0, len(text), 2))


def _opposite(ranges: Ranges) -> Ranges:
    found, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            found.append((start, low - 1))
        start = max(start, high + 1)
    return (*found, (start, _LAST)) if start <= _LAST else tuple(found)


_CLASSES = {"d": _span("09"), "w": _span("azAZ09__"), "s": _span("  \t\r")}  # \t \n \v \f \r are neighbours
_CLASSES |= {name.upper(): _opposite(ranges) for name, ranges in _CLASSES.items()}
_ANY = _opposite(_span("\n\n"))


class Pattern:
    """A compiled pattern."""

    def __init__(self, text: str) -> None:
        """Compile `text`. Raises ConfigError where it is no pattern, or needs more than an automaton can do."""
        if len(text) > _PATTERN:
            raise _wrong(f"{text[:40]}…", f"is longer than {_PATTERN} characters")
        self.text = text
        self._at = 0
        self._moves: list[tuple[Ranges, int] | None] = [None]  # of each state, by a character
        self._free: list[list[int]] = [[]]  # of each state, without one
        self._end = self._either(0, depth=0)
        if self._at < len(text):
            raise self._error("has a `)` too many")

    def matches(self, text: str) -> bool:
        """Say whether the pattern stands for all of `text`; for one longer than LONGEST it never does."""
        if len(text) > LONGEST:
            return False
        now = self._closed({0})
        for char in text:
            code = ord(char)
            after = {
                move[1]
                for move in (self._moves[state] for state in now)
                if move is not None and any(low <= code <= high for low, high in move[0])
            }
            if not after:
                return False
            now = self._closed(after)
        return self._end in now

    def _closed(self, states: set[int]) -> set[int]:
        waiting = list(states)
        while waiting:
            for state in self._free[waiting.pop()]:
                if state not in states:
                    states.add(state)
                    waiting.append(state)
        return states

    def _state(self) -> int:
        if len(self._moves) >= _STATES:
            raise self._error("stands for too much: its repeats multiply")
        self._moves.append(None)
        self._free.append([])
        return len(self._moves) - 1

    def _error(self, why: str) -> ConfigError:
        return _wrong(self.text, f"{why} (at character {self._at + 1})")

    def _peek(self) -> str:
        return self.text[self._at : self._at + 1]

    def _either(self, start: int, depth: int) -> int:
        """Read alternatives up to a `)` or the end, from the state `start`; return where they end."""
        if depth > _DEPTH:
            raise self._error("has too many groups within groups")
        end = self._state()
        while True:
            own = self._state()
            self._free[start].append(own)
            self._free[self._row(own, depth)].append(end)
            if self._peek() != "|":
                return end
            self._at += 1

    def _row(self, state: int, depth: int) -> int:
        if depth == 0 and self._peek() == "^":
            self._at += 1
        while self._peek() not in ("", "|", ")"):
            if depth == 0 and self.text[self._at : self._at + 2] in ("$", "$|"):
                self._at += 1
            else:
                state = self._repeated(state, depth)
        return state

    def _repeated(self, start: int, depth: int) -> int:
        """Read one thing and how often it stands there. A thing that stands there several times is read again."""
        where = self._at
        inner = self._state()
        self._free[start].append(inner)
        end = self._one(inner, depth)
        after = self._at
        least, most = self._quantifier()
        done = self._at
        if most == 0:
            self._moves[inner], self._free[inner] = None, []
            last = self._state()
            self._free[start].append(last)
            return last
        if least == 0:
            self._free[start].append(skip := self._state())
        ends = [(inner, end)]
        for _ in range(max(least, most or 0) - 1):
            self._at = where
            following = self._state()
            self._free[ends[-1][1]].append(following)
            ends.append((following, self._one(following, depth)))
            assert self._at == after
        self._at = done
        last = self._state()
        for _, reached in ends[max(0, least - 1) :]:
            self._free[reached].append(last)
        if least == 0:
            self._free[skip].append(last)
        if most is None:
            self._free[ends[-1][1]].append(ends[-1][0])
        return last

    def _quantifier(self) -> tuple[int, int | None]:
        found = _QUANTIFIER.match(self.text, self._at)
        if found is None or found[0] in ("{}", "{,}"):
            return 1, 1
        sign, low, comma, high = found.groups()
        self._at = found.end()
        if self._peek() == "+":
            raise self._error("repeats possessively, which is not supported")
        if self._peek() == "?":  # lazy: the same texts
            self._at += 1
        if _QUANTIFIER.match(self.text, self._at):
            raise self._error("repeats a repeat: put a group around it")
        if sign:
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        least = int(low or 0)
        most = int(high) if high else None if comma else least
        if max(least, most or 0) > _REPEATS or (most is not None and most < least):
            raise self._error(f"repeats {found[0]}: from a smaller number to a larger one, at most {_REPEATS}")
        return least, most

    def _one(self, start: int, depth: int) -> int:
        char = self._peek()
        if char == "(":
            return self._group(start, depth)
        self._at += 1
        if char == ".":
            ranges = _ANY
        elif char == "[":
            ranges = self._set()
        elif char == "\\":
            ranges = self._escape()
        elif char in "*+?{}^$":
            raise self._error(f"has a `{char}` with nothing before it; write `\\{char}` for the character")
        else:
            ranges = _span(char * 2)
        end = self._state()
        self._moves[start] = (ranges, end)
        return end

    def _group(self, start: int, depth: int) -> int:
        self._at += 1
        if self._peek() == "?":
            if self.text[self._at : self._at + 2] != "?:":
                raise self._error("has a `(?`: only `(?:` is supported")
            self._at += 2
        end = self._either(start, depth + 1)
        if self._peek() != ")":
            raise self._error("has a `(` that is not closed")
        self._at += 1
        return end

    def _escape(self) -> Ranges:
        char = self._peek()
        self._at += 1
        if char in _CLASSES:
            return _CLASSES[char]
        if char in _SIMPLE:
            return _span(_SIMPLE[char] * 2)
        if not char or char.isalnum() or not char.isascii():
            raise self._error(f"has `\\{char}`, which is not supported")
        return _span(char * 2)

    def _set(self) -> Ranges:
        negated = self._peek() == "^"
        self._at += negated
        found: list[tuple[int, int]] = []
        first = self._at
        while self._peek() != "]" or self._at == first:
            low = self._member()
            if self._peek() == "-" and self.text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                high = self._member()
                if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or low[0][0] > high[0][1]:
                    raise self._error("has a range that goes from nothing to nothing")
                low = ((low[0][0], high[0][1]),)
            found.extend(low)
        self._at += 1
        return _opposite(tuple(found)) if negated else tuple(found)

    def _member(self) -> Ranges:
        char = self._peek()
        if not char:
            raise self._error("has a `[` that is not closed")
        self._at += 1
        return self._escape() if char == "\\" else _span(char * 2)


def _wrong(text: str, why: str) -> ConfigError:
    return ConfigError(
        f"the pattern {text!r} {why}",
        hint="what is there: . [a-z] [^/] \\d \\w \\s ( ) | * + ? {1,3}; it always stands for the whole name",
    )


@lru_cache(maxsize=256)
def compiled(text: str) -> Pattern:
    """Return the pattern that `text` writes. Raises ConfigError."""
    return Pattern(text)
