"""Themes: dark, light, high contrast, safe for the colour-blind, and one of the terminal's own sixteen colours."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import BUILTIN_THEMES, Theme

_DARK = {
    "ground": "#14171c",
    "band": "#1b1f26",
    "ink": "#d5d9e0",
    "faint": "#8a93a3",
    "head": "#9fb3cc",
    "rule": "#2c323c",
    "cursor": "#232a35",
    "accent-ink": "#7fb4e6",
    "mark": "#e5c07b",
    "alias": "#b6a1e8",
    "better": "#5fc9a5",
    "worse": "#f0876f",
    "changed": "#e8cf8e",
    "warn": "#e0a458",
}
_LIGHT = {
    "ground": "#fbfbf9",
    "band": "#eef0ee",
    "ink": "#24292f",
    "faint": "#5d6570",
    "head": "#3d5a80",
    "rule": "#cfd4d9",
    "cursor": "#e2eaf3",
    "accent-ink": "#0b5aa3",
    "mark": "#7d5200",
    "alias": "#6a43b5",
    "better": "#006647",
    "worse": "#a83a1a",
    "changed": "#6b5008",
    "warn": "#884b08",
}
_CONTRAST = {
    "ground": "#000000",
    "band": "#1a1a1a",
    "ink": "#ffffff",
    "faint": "#c4c4c4",
    "head": "#a8d8ff",
    "rule": "#8a8a8a",
    "cursor": "#00305c",
    "accent-ink": "#6fd6ff",
    "mark": "#ffe14d",
    "alias": "#dcb8ff",
    "better": "#4dffb0",
    "worse": "#ffab99",
    "changed": "#ffef99",
    "warn": "#ffc266",
}
# Blue and orange, which every kind of colour-blindness tells apart; what is told by red and green elsewhere is so here.
_SAFE = {
    "ground": "#14171c",
    "band": "#1b1f26",
    "ink": "#d8dbe1",
    "faint": "#8a93a3",
    "head": "#a9bcd6",
    "rule": "#2c323c",
    "cursor": "#232a35",
    "accent-ink": "#79b8f0",
    "mark": "#f0e442",
    "alias": "#d9a6cf",
    "better": "#56b4e9",
    "worse": "#ff9a4d",
    "changed": "#f5e9b8",
    "warn": "#f0c040",
}
_ANSI = {
    "ground": "ansi_default",
    "band": "ansi_default",
    "ink": "ansi_default",
    "faint": "ansi_bright_black",
    "head": "ansi_cyan",
    "rule": "ansi_bright_black",
    "cursor": "ansi_default",
    "accent-ink": "ansi_bright_blue",
    "mark": "ansi_bright_yellow",
    "alias": "ansi_magenta",
    "better": "ansi_green",
    "worse": "ansi_bright_red",
    "changed": "ansi_yellow",
    "warn": "ansi_yellow",
}
TONES: Mapping[str, Mapping[str, str]] = {
    "dark": _DARK,
    "light": _LIGHT,
    "contrast": _CONTRAST,
    "colour-blind": _SAFE,
}
"""The colours of the themes that choose their own, by the name that a configuration gives."""
DEFAULTS: Mapping[str, str] = _DARK
NAMES = ("lineal-dark", "lineal-light", "lineal-ansi", "lineal-contrast", "lineal-colour-blind")
_SIXTEEN = ("linux", "screen", "vt100", "vt220", "ansi", "xterm", "xterm-16color", "rxvt", "tmux")


def themes() -> tuple[Theme, ...]:
    """Return the themes, in the order of `NAMES`."""
    return tuple(_ansi(name) if name == "lineal-ansi" else _theme(name) for name in NAMES)


def _ansi(name: str) -> Theme:
    return Theme(
        name=name,
        primary="ansi_blue",
        accent="ansi_blue",
        warning="ansi_yellow",
        error="ansi_red",
        success="ansi_green",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        ansi=True,
        variables={**BUILTIN_THEMES["ansi-dark"].variables, **_ANSI},
    )


def _theme(name: str) -> Theme:
    tones = dict(TONES[name.removeprefix("lineal-")])
    return Theme(
        name=name,
        primary=tones["accent-ink"],
        accent=tones["accent-ink"],
        warning=tones["warn"],
        error=tones["worse"],
        success=tones["better"],
        foreground=tones["ink"],
        background=tones["ground"],
        surface=tones["ground"],
        panel=tones["band"],
        dark=name != "lineal-light",
        variables=tones,
    )


def default(environ: Mapping[str, str], wanted: str = "", chosen: str = "") -> str:
    """Choose a theme: the one that is wanted, else that `chosen` before, else what the terminal can show.

    The terminal's own colours where there are sixteen of them or none, and over SSH, where bytes count; light where
    COLORFGBG says that the ground is.
    """
    if f"lineal-{wanted}" in NAMES:
        return f"lineal-{wanted}"
    plain = "NO_COLOR" in environ or few_colours(environ)
    if chosen in NAMES and not plain:
        return chosen
    if plain or environ.get("SSH_CONNECTION"):
        return "lineal-ansi"
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return "lineal-light" if ground in ("7", "15") else "lineal-dark"


def few_colours(environ: Mapping[str, str]) -> bool:
    """Say whether the terminal has sixteen colours or fewer, as far as it says."""
    return environ.get("COLORTERM", "") not in ("truecolor", "24bit") and environ.get("TERM") in _SIXTEEN
