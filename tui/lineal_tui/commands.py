"""The command line on every screen: what may be typed there, what becomes of it, and what is asked about it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from textual.message_pump import MessagePump

from lineal.model.listing import VersionRow
from lineal.model.reference import canonical
from lineal_tui.acts import PlanRequest
from lineal_tui.saying import Said

if TYPE_CHECKING:
    from lineal_tui.present.output import Output

KEPT = 200
"""Lines that are remembered."""
HERE = "%"
"""The word that stands for the version under the cursor."""
LEAVES = frozenset({"q", "quit", "exit"})
HELP = "help"
LOOKS = frozenset({"ls", "show", "diff", "lineage", "metrics", "who", "log", "inbox", "registry ls"})
"""What shows only what the screens show too: all that a page in a browser may ask for beside plans."""
READS = LOOKS | {
    *("get", "cat", "export", "report", "check", "savings", "stats", "verify", "doctor", "sync", "ci show"),
    *("remote list", "policy explain", "policy test", "audit verify", "audit head"),
}
"""What changes no registry, store or ledger. Whatever is not named here may."""
_ENDLESS = {
    "serve": "it serves until it is told to end: run it in a shell of its own",
    "demo": "it opens an application of its own: run it in a shell",
    "completion": "it writes a script for a shell: run it there",
}
_OPENS = "that would open Lineal in Lineal; :help shows the verbs"
_SECRET = re.compile(r"://[^/\s@]+@|(?i:password|secret|token)\S*[=\s]")


class Refused(Struct, frozen=True):
    """It is not run here, and why."""

    why: str


class Runs(Struct, frozen=True):
    """It is run as a child process. `changes`: something may be otherwise afterwards."""

    words: tuple[str, ...]
    changes: bool = False
    note: str = ""  # said beneath its output


class Previews(Struct, frozen=True):
    """It is what a key does too: its plan is shown. `override` is the reason that was typed for a blocked one."""

    request: PlanRequest
    override: str = ""


Outcome = Refused | Runs | Previews


class CommandRequest(Struct, frozen=True):
    """What becomes of these words. `page`: they were typed in a browser; `read_only`: why nothing may change."""

    words: tuple[str, ...]
    page: bool = False
    read_only: str = ""


class WordsRequest(Struct, frozen=True):
    """Which words may stand where the cursor of the command line is."""

    text: str
    at: int
    page: bool = False
    here: VersionRow | None = None


Commanded = CommandRequest | WordsRequest


class CommandReady(Said, bubble=False):
    """What becomes of it."""

    request: CommandRequest
    outcome: Outcome


class WordsReady(Said, bubble=False):
    """The text before the cursor would become `head` + one of the words; each with what it is, if that is known."""

    request: WordsRequest
    head: str
    words: list[tuple[str, str]]


class CommandWanted(Said):
    """Run this as a child process, and tell `asker` how it goes: `output` takes what it writes."""

    runs: Runs
    cells: int
    output: Output
    asker: MessagePump


class Listening(Said):
    """The command line has the cursor: what was typed meanwhile is meant for it."""


class StopCommand(Said):
    """Ask the command that runs to end; a second time, make it."""


class CommandEnded(Said, bubble=False):
    """It has come to its end."""

    code: int


def split(typed: str, here: VersionRow | None) -> list[str]:
    """Return the words of a line, without a leading `lineal`, `%` replaced. Raises ValueError."""
    words = shlex.split(typed)
    if words[:1] == ["lineal"]:
        words = words[1:]
    if HERE in words and here is None:
        raise ValueError("no version is under the cursor, so % stands for nothing")
    return [reference(here) if here is not None and word == HERE else word for word in words]


def reference(row: VersionRow) -> str:
    """Return what names a version everywhere."""
    return canonical(row.registry, row.model, row.name)


def refused(words: Sequence[str]) -> str:
    """Say why something is never run from within the application; "" for all that may be."""
    verb = _verb(words)
    if not verb and not {"-h", "--help", "--version"} & set(words):
        return _OPENS
    if verb in _ENDLESS and words[-1] not in ("-h", "--help") and "--no-open" not in words:
        return f"{verb} is not run here: {_ENDLESS[verb]}"
    return ""


_VALUED = ("-C", "--workspace", "--index")


def _verb(words: Sequence[str]) -> str:
    at = verb_at(words)
    return words[at] if at < len(words) else ""


def verb_at(words: Sequence[str]) -> int:
    """Return where the verb stands, behind the options of `lineal` itself."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _VALUED else 1
    return at


def among(words: Sequence[str], named: frozenset[str]) -> bool:
    """Say whether the verb, or the verb of a group such as `registry ls`, is one of these."""
    rest = [*words[verb_at(words) :], "", ""]
    return rest[0] in named or f"{rest[0]} {rest[1]}" in named


def barred(words: Sequence[str]) -> str:
    """Say why something must not be run from a page; "" where it shows but what the screens show too.

    Options before the verb would open other folders and other indexes of the host.
    """
    at = verb_at(words)
    if (others := [one for one in words[:at] if one != "--no-sync"]) and not (len(words) == 1 and not _verb(words)):
        return f"{others[0]} is not for a page: it looks at another place of the host"
    if len(words) == 2 and words[1] in ("--help", "-h"):
        return ""
    if among(words, LOOKS) or not _verb(words):
        return ""
    return f"{_verb(words)} is not for a page: it could reach files of the host; run it in a shell there"


def remembered(lines: list[str], typed: str) -> list[str]:
    """Return the lines with one more, the newest last and each once.

    One that holds a secret, or begins with a space as in a shell, is not kept.
    """
    kept = typed.strip()
    if not kept or typed[0].isspace() or _SECRET.search(kept):
        return lines
    return [*(one for one in lines if one != kept), kept][-KEPT:]
