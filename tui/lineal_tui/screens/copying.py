"""What can be copied about a version."""

from __future__ import annotations

import shlex

from lineal.model.listing import VersionRow
from lineal.model.reference import canonical
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone, fit


def copies(row: VersionRow) -> list[tuple[Line, str]]:
    """Return a line and the text to copy for each: reference, key, name and commands, safe to paste in a shell."""
    reference = canonical(row.registry, row.model, row.name)
    quoted = shlex.quote(text.safe(reference))
    offered = [
        ("reference", text.safe(reference)),
        ("key", text.safe(row.key)),
        ("name", text.safe(row.name)),
        ("show", f"lineal show {quoted}"),
        ("lineage", f"lineal lineage {quoted}"),
    ]
    return [((Span(fit(label, 11), Tone.HEAD), Span(text.safe(said, 300))), said) for label, said in offered]
