"""What a command wrote, as lines that are safe and bounded; what was left out is counted and said."""

from __future__ import annotations

import signal
from collections.abc import Iterator

from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone, wrap

FIRST = 5_000
"""Lines that are kept from the beginning."""
LAST = 200
"""Lines that are kept from the end of what is longer: what went wrong stands there."""
WIDEST = 4_000
"""Bytes of one line that are kept."""
MOST = 4 << 20
"""Bytes that are kept from the beginning."""
_TAIL = 1 << 16
_PROSE = ("lineal: ", "hint: ", "note: ", "Error: ", "Usage: ", "hook: ")
_CODES = {
    0: "done",
    1: "a difference, or a failed check",
    2: "wrong usage or configuration",
    3: "refused by the policy, or read-only",
    4: "not found",
    5: "a conflict",
    6: "a registry could not be reached",
    7: "corrupt data",
    8: "the index is locked, or the disk is full",
    70: "a bug; the path of a report stands above",
    127: "it could not be started",
    130: "interrupted",
}


def meaning(code: int) -> str:
    """Return an exit code and what it means; a signal by its name."""
    if code < 0:
        try:
            return f"ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"ended by signal {-code}"
    return f"exit code {code}: {_CODES[code]}" if code in _CODES else f"exit code {code}"


class Output:
    """Takes bytes as they come; memory stays bounded however much that is."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.bytes = 0
        self._kept = 0
        self._open = bytearray()  # the line that has not ended
        self._cut = 0  # bytes of it that were left out
        self._tail = bytearray()
        self._beyond = 0  # lines beyond the first
        self._beyond_bytes = 0

    def _is_full(self) -> bool:
        return len(self.first) >= FIRST or self._kept >= MOST

    def feed(self, data: bytes) -> None:
        """Take some bytes."""
        self.bytes += len(data)
        if self._is_full():
            self._pass(data)
            return
        *whole, rest = data.split(b"\n")
        for at, part in enumerate(whole):
            if self._is_full():
                self._pass(b"\n".join((*whole[at:], rest)))
                return
            self._add(part)
            self._close()
        if self._is_full():
            self._pass(rest)
        else:
            self._add(rest)

    def end(self) -> None:
        """Take the last line as one, though nothing ended it."""
        if self._open or self._cut:
            self._close()

    def _add(self, part: bytes) -> None:
        room = max(0, WIDEST - len(self._open))
        self._open += part[:room]
        self._cut += max(0, len(part) - room)

    def _close(self) -> None:
        self.first.append(_said(bytes(self._open), self._cut))
        self._kept += len(self._open)
        self._open.clear()
        self._cut = 0

    def _pass(self, data: bytes) -> None:
        """Keep only the end of what comes now."""
        self._beyond += data.count(b"\n")
        self._beyond_bytes += len(data)
        self._tail += data
        del self._tail[:-_TAIL]

    def last(self) -> tuple[int, list[str]]:
        """Return how many lines were left out behind the first ones, and those behind them again."""
        if not self._beyond_bytes:
            return 0, []
        lines = bytes(self._tail).split(b"\n")
        ended = self._tail.endswith(b"\n")
        if ended:
            lines.pop()
        if self._beyond_bytes > len(self._tail) and len(lines) > 1:
            lines.pop(0)  # only the end of it is there
        lines = lines[-LAST:]
        total = self._beyond + (0 if ended else 1)
        return max(0, total - len(lines)), [_said(line[:WIDEST], len(line) - WIDEST) for line in lines]

    def whole(self) -> str:
        """Return everything that is kept, as one text."""
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Yield everything that is kept, and what was left out."""
        left_out, last = self.last()
        yield from self.first
        if left_out:
            yield omission(left_out)
        yield from last


def omission(lines: int) -> str:
    """Return that so many lines were left out."""
    return f"… {text.plural(lines, 'line')} left out here; in a shell there is no limit …"


def _said(line: bytes, cut: int) -> str:
    said = text.safe(line.removesuffix(b"\r").decode(errors="backslashreplace").replace("\t", "    "))
    return f"{said} … {text.size(cut)} more in this line" if cut > 0 else said


def line_of(said: str) -> Line:
    """Return a line of output in the tone of what it is."""
    if said.startswith(("lineal: ", "Error: ")):
        return (Span(said, Tone.ERROR),)
    if said.startswith(("hint: ", "note: ", "… ")):
        return (Span(said, Tone.DIM),)
    return (Span(said),)


def rows_of(said: str, cells: int, *, broken: bool) -> list[Line]:
    """Return a line of output as it is shown: prose is broken at spaces; the rest only if that is wanted."""
    if len(said) < cells // 2:
        return [line_of(said)]
    if said.startswith(_PROSE):
        tone = line_of(said)[0].tone
        return [(Span(part, tone),) for part in wrap(said, max(10, cells))]
    return [(Span(part),) for part in pieces(said, cells)] if broken else [line_of(said)]


def pieces(said: str, cells: int) -> list[str]:
    """Break a safe line into pieces of at most so many cells, leaving nothing out."""
    from rich.cells import cell_len, chop_cells

    if cells < 2 or cell_len(said) <= cells:
        return [said]
    if said.isascii():
        return [said[at : at + cells] for at in range(0, len(said), cells)]
    return chop_cells(said, cells)


def beyond(said: str, cells: int) -> str:
    """Return what is left of a safe line behind so many cells."""
    from rich.cells import cell_len

    if said.isascii():
        return said[cells:]
    at = 0
    while at < len(said) and cells > 0:
        cells -= cell_len(said[at])
        at += 1
    return said[at:]
