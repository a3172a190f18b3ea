"""Themes can be read by all: contrast of every tone, colours that the colour-blind tell apart, and their choice."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from lineal_tui.app import LinealApp
from lineal_tui.themes import NAMES, TONES, default, themes
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.seeing import screen_text, until_seen

Rgb = tuple[float, float, float]
GROUNDS = ("ground", "band", "cursor")
INKS = tuple(name for name in TONES["dark"] if name not in (*GROUNDS, "rule"))
# Machado, Oliveira and Fernandes (2009), severity 1.0: how linear RGB is seen.
BLINDNESS = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour: str) -> Rgb:
    """Return a colour in linear light."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2."""
    weights = (0.2126, 0.7152, 0.0722)
    low, high = sorted(sum(w * p for w, p in zip(weights, linear(c), strict=True)) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(colour: Rgb) -> Rgb:
    """Return CIELAB of linear RGB, in which distances are as large as they look."""
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.9505, 1.0, 1.089)
    parts = [sum(r * max(0.0, min(1.0, c)) for r, c in zip(row, colour, strict=True)) for row in rows]
    x, y, z = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116
        for t in (part / of for part, of in zip(parts, white, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def apart(one: str, other: str, kind: str) -> float:
    """Return how far two colours are apart for somebody with a kind of colour-blindness."""
    matrix = BLINDNESS[kind]
    seen = [
        lab(tuple(sum(w * c for w, c in zip(row, linear(colour), strict=True)) for row in matrix))  # type: ignore[arg-type]
        for colour in (one, other)
    ]
    return math.dist(*seen)


@pytest.mark.parametrize("theme", TONES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_every_tone_is_readable_on_every_ground(theme: str, ground: str) -> None:
    tones = TONES[theme]
    least = 7.0 if theme == "contrast" else 4.5  # AAA and AA of WCAG 2 for text
    poor = {ink: round(contrast(tones[ink], tones[ground]), 2) for ink in INKS}
    assert {ink: ratio for ink, ratio in poor.items() if ratio < least} == {}
    if theme == "contrast":
        assert contrast(tones["rule"], tones[ground]) >= 3.0  # what is no text


@pytest.mark.parametrize("kind", BLINDNESS)
def test_better_worse_and_changed_are_told_apart_by_the_colour_blind(kind: str) -> None:
    tones = TONES["colour-blind"]
    for one, other in combinations(("better", "worse", "changed"), 2):
        assert apart(tones[one], tones[other], kind) > 30, (one, other)


def test_the_dark_theme_would_not_pass_for_that() -> None:
    """What the test above measures is there: green and red of the dark theme come close."""
    tones = TONES["dark"]
    closest = min(apart(tones["better"], tones["worse"], kind) for kind in BLINDNESS)
    assert closest < min(apart(TONES["colour-blind"]["better"], TONES["colour-blind"]["worse"], k) for k in BLINDNESS)


@pytest.mark.parametrize(
    ("environ", "wanted", "name"),
    [
        ({"TERM": "xterm-256color"}, "", "lineal-dark"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15"}, "", "lineal-light"),
        ({"TERM": "xterm"}, "", "lineal-ansi"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "", "lineal-dark"),
        ({"TERM": "linux"}, "", "lineal-ansi"),
        ({"TERM": "screen"}, "", "lineal-ansi"),
        ({"TERM": "tmux-256color", "NO_COLOR": "1"}, "", "lineal-ansi"),
        ({"TERM": "xterm-256color", "SSH_CONNECTION": "1 2 3 4"}, "", "lineal-ansi"),
        ({"TERM": "xterm-256color", "SSH_CONNECTION": "1 2 3 4"}, "light", "lineal-light"),
        ({"TERM": "linux"}, "contrast", "lineal-contrast"),
        ({"TERM": "xterm-256color"}, "colour-blind", "lineal-colour-blind"),
        ({"TERM": "xterm-256color"}, "no such theme", "lineal-dark"),
    ],
)
def test_the_theme_is_the_one_wanted_or_fits_the_terminal(environ: dict[str, str], wanted: str, name: str) -> None:
    assert default(environ, wanted) == name


def table(app: LinealApp) -> list[str]:
    """Return the rows in sight, without the scroll bar: what a theme says takes a line from below."""
    return [line[:78].rstrip() for line in screen_text(app)[1:12]]


async def test_ctrl_t_goes_round_all_themes_and_says_which(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, theme="colour-blind")
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "everything", "auc▲")
        assert app.theme == "lineal-colour-blind"
        rows = table(app)
        for theme in NAMES:
            await pilot.press("ctrl+t")
            await until_seen(pilot, f"theme: {theme.removeprefix('lineal-')}")
            assert app.theme == theme
            assert table(app) == rows
        assert app.animation_level == "none"


def test_every_theme_is_named_in_its_order() -> None:
    assert tuple(theme.name for theme in themes()) == NAMES
