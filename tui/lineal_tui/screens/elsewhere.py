"""What the palette says of other workspaces, and the line that takes the path of one."""

from __future__ import annotations

from lineal_tui.elsewhere import Elsewhere, OpenWanted
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone
from lineal_tui.screens.frame import Frame
from lineal_tui.screens.prompt import Prompt


def lines(screen: Frame) -> list[Line]:
    """Return a line for each other workspace, and one for any folder."""
    now = screen.session.clock()
    return [
        *(_line(one, now) for one in screen.session.elsewhere),
        (Span("Open a folder…"), Span("  another workspace", Tone.DIM)),
    ]


def _line(one: Elsewhere, now: float) -> Line:
    shown = f"Workspace: {text.safe(one.shown, 60)}"
    if one.gone:
        return (Span(shown, Tone.DIM), Span("  its folder is gone", Tone.DIM))
    return (Span(shown), Span(f"  {text.age(one.at, now)} ago", Tone.DIM))


def take(screen: Frame, index: int) -> None:
    """Open what a line stands for, or say why not."""
    known = screen.session.elsewhere
    if screen.session.bound:
        screen.say((Span(screen.session.bound, Tone.WARN),))
    elif index < len(known):
        if known[index].gone:
            screen.say((Span(f"There is no {text.safe(known[index].shown, 60)} any more.", Tone.WARN),))
        else:
            screen.post_message(OpenWanted(known[index].path))
    else:
        said = "the path of a folder: what is in it is found, as by `lineal` there"
        prompt = Prompt("open", said, wrong=screen.session.folder_wrong)

        def end(path: str | None) -> None:
            if path:
                screen.post_message(OpenWanted(path))

        screen.app.push_screen(prompt, end)
