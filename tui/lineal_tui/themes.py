"""Themes: a dark and a light one, and one that uses the terminal's own sixteen colours."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import BUILTIN_THEMES, Theme

_DARK = {
    "ground": "#14171c",
    "band": "#1b1f26",
    "ink": "#d5d9e0",
    "faint": "#7b8494",
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
    "faint": "#6b7480",
    "head": "#3d5a80",
    "rule": "#cfd4d9",
    "cursor": "#e2eaf3",
    "accent-ink": "#0b62b0",
    "mark": "#8a5a00",
    "alias": "#6a43b5",
    "better": "#00734f",
    "worse": "#b3401f",
    "changed": "#75580a",
    "warn": "#96540a",
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
DEFAULTS: Mapping[str, str] = _DARK
NAMES = ("lineal-dark", "lineal-light", "lineal-ansi")


def themes() -> tuple[Theme, ...]:
    """Return the themes, in the order of `NAMES`."""
    return (
        _theme("lineal-dark", _DARK, dark=True),
        _theme("lineal-light", _LIGHT, dark=False),
        Theme(
            name="lineal-ansi",
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
        ),
    )


def _theme(name: str, tones: dict[str, str], *, dark: bool) -> Theme:
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
        dark=dark,
        variables=tones,
    )


def default(environ: Mapping[str, str]) -> str:
    """Choose a theme: the terminal's own colours over SSH, where bytes count; light where COLORFGBG says so."""
    if (
        "NO_COLOR" in environ
        or environ.get("SSH_CONNECTION")
        or environ.get("TERM") in ("linux", "xterm", "screen", "vt100")
    ):
        return "lineal-ansi"
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return "lineal-light" if ground in ("7", "15") else "lineal-dark"
