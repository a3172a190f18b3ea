"""What a person would hear: text mode on a workspace, given what she types."""

from __future__ import annotations

import io
import sys

from lineal_tui.plain.conversation import Conversation
from lineal_tui.plain.voice import Voice
from tests.tui.fake import NOW, FakeSource

FORBIDDEN = ("\x1b", "\r", "\x07", "\x08", "\x9b")
"""What no terminal may get from text mode."""


def hear(source: FakeSource, *typed: str, **options: object) -> list[str]:
    """Return every line that is said while these lines are typed, those that were typed behind their prompts."""
    return said(source, io.StringIO("".join(f"{line}\n" for line in typed)), **options)


def said(source: FakeSource, typed: io.StringIO, **options: object) -> list[str]:
    """Return every line that is said while this is read."""
    out = io.StringIO()
    defaults: dict[str, object] = {
        "desk": lambda: source.desk,
        "workspace": "fraud-lab",
        "cwd": "/",
        "environ": {"TERM": "dumb", "PATH": "/usr/bin:/bin"},
        "clock": lambda: NOW,
        "sync": (sys.executable, "-S", "-c", ""),
        "verbs": (sys.executable, "-S", "-c", "import sys; print(*sys.argv[1:])"),
    }
    talk = Conversation(source, Voice(typed, out), **{**defaults, **options})  # type: ignore[arg-type]
    assert talk.run() == 0
    heard = out.getvalue()
    assert not [one for one in FORBIDDEN if one in heard]
    return heard.splitlines()


def after(heard: list[str], typed: str) -> list[str]:
    """Return what was said from the line in which this was typed until the next prompt."""
    at = next(i for i, line in enumerate(heard) if line.endswith(f"> {typed}"))
    answer = []
    for line in heard[at + 1 :]:
        if "> " in line:
            break
        answer.append(line)
    return answer
