"""What an empty list says: why it is empty, and what to do next, with the command."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.model.listing import RegistryRow
from lineal_tui.present import text
from lineal_tui.present.ink import BLANK, Line, Span, Tone
from lineal_tui.present.keycap import cap


def nothing_here(registries: Sequence[RegistryRow], filtered: str, *, syncing: bool) -> list[Line]:
    """Return lines for a table without rows."""
    if filtered:
        return [
            BLANK,
            (Span(" No version matches "), Span(text.safe(filtered, 200), Tone.CHANGED)),
            (
                Span(" esc", Tone.ACCENT),
                Span(" clears the filter, ", Tone.DIM),
                cap("filter"),
                Span(" changes it.", Tone.DIM),
            ),
        ]
    if syncing:
        return [BLANK, (Span(" Reading the registries; versions appear as they are read.", Tone.DIM),)]
    if not registries:
        return [
            BLANK,
            (Span(" No registry was found in or around this folder."),),
            BLANK,
            *_command("lineal registry add PATH", "a git repository, mlruns, server or folder"),
            *_command("lineal demo", "real registries to look around in"),
        ]
    return [
        BLANK,
        (Span(" No version here."),),
        (
            cap("sync", " "),
            Span(" reads again, ", Tone.DIM),
            cap("sources"),
            Span(" says what was met.", Tone.DIM),
        ),
    ]


def _command(command: str, what: str) -> tuple[Line, Line]:
    return (Span("   " + command, Tone.ACCENT),), (Span("     " + what, Tone.DIM),)
