"""Pictures for people: a screen as an SVG without foreign fonts, as a PNG by a browser, and several as a tour."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_CAPTION = 56  # pixels below the terminal


class Frame(NamedTuple):
    """One picture of a tour."""

    svg: str
    caption: str  # what was pressed, and what one sees
    seconds: float


def offline(svg: str) -> str:
    """Leave out the fonts that a picture would fetch: what is drawn in a terminal needs none of its own."""
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code, monospace", "'DejaVu Sans Mono', Menlo, Consolas, monospace")


def size_of(svg: str) -> tuple[int, int]:
    """Return the width and the height of a picture in pixels."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert found, "an SVG has a viewBox"
    return round(float(found[1])), round(float(found[2]))


def browser() -> str | None:
    """Return the browser that draws PNGs, if there is one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def draw(svg: Path, png: Path) -> None:
    """Let a browser draw an SVG."""
    program = browser()
    assert program, f"one of {', '.join(BROWSERS)} draws PNGs"
    width, height = size_of(svg.read_text())
    with TemporaryDirectory() as profile:
        page = Path(profile, "page.html")
        page.write_text(
            f'<body style="margin:0"><img width="{width}" height="{height}" src="{svg.resolve().as_uri()}">'
        )
        command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += [f"--user-data-dir={profile}", f"--window-size={width},{height}", f"--screenshot={png.resolve()}"]
        subprocess.run([*command, page.as_uri()], check=True, capture_output=True, timeout=120)


def tour(frames: Sequence[Frame]) -> str:
    """Return one SVG that shows the frames one after another, again and again; nothing in it is a script."""
    width, height = size_of(frames[0].svg)
    whole = sum(frame.seconds for frame in frames)
    rules, groups, start = [], [], 0.0
    for number, frame in enumerate(frames):
        first, last = start / whole * 100, (start + frame.seconds) / whole * 100
        before = f"0% {{ visibility: hidden }} {first:.3f}% {{ visibility: visible }}" if number else ""
        rules.append(
            f"@keyframes f{number} {{ {before or '0% { visibility: visible }'} {last:.3f}% {{ visibility: hidden }} "
            "100% { visibility: hidden } }"
            f" .f{number} {{ visibility: hidden; animation: f{number} {whole:g}s step-end infinite }}"
        )
        words = frame.caption.replace("&", "&amp;").replace("<", "&lt;")
        groups.append(
            f'<g class="f{number}">{_inner(frame.svg, number)}'
            f'<text x="{width / 2:g}" y="{height + _CAPTION * 0.64:g}" class="caption">{words}</text></g>'
        )
        start += frame.seconds
    style = "\n".join(rules)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + _CAPTION}">\n<style>\n'
        "text { white-space: pre }\n"
        ".caption { fill: #7b8494; font: 22px 'DejaVu Sans', Arial, sans-serif; text-anchor: middle }\n"
        f"{style}\n</style>\n" + "\n".join(groups) + "\n</svg>\n"
    )


def _inner(svg: str, number: int) -> str:
    """Return a picture whose names are its own, to stand among others."""
    width, height = size_of(svg)
    own = re.sub(r"terminal-\d+-", f"t{number}-", svg[svg.index("<svg") :])
    return own.replace("<svg ", f'<svg width="{width}" height="{height}" ', 1)
