"""How far apart two version numbers of one package are, in the words of PEP 440."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

import msgspec

_LONGEST = 128  # characters; a longer "version" is free text
_RELEASE = re.compile(
    r"v?(?:(?P<epoch>[0-9]{1,9})!)?(?P<numbers>[0-9]{1,18}(?:\.[0-9]{1,18})*)"
    r"(?P<suffix>(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview|post|rev|r|dev)[-_.]?[0-9]*)*|-[0-9]+)"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.IGNORECASE,
)
_PART = re.compile(r"[-_.]?(alpha|beta|preview|a|b|c|rc|pre|post|rev|r|dev)?[-_.]?([0-9]*)", re.IGNORECASE)
_ORDER = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "c": -1, "rc": -1, "pre": -1, "preview": -1}


class Step(StrEnum):
    """The first place at which two versions differ."""

    NONE = "same"
    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"
    STAGE = "pre-release"  # the same release: alpha, beta, rc, post or dev differ
    BUILD = "build"  # only the local part differs, as in +cu131 and +cu132
    OTHER = "changed"  # not two version numbers: a specifier, a URL, free text


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A version number taken apart; `local` is what stands behind `+`."""

    epoch: int
    numbers: tuple[int, ...]  # without trailing zeros: 2.1 is 2.1.0
    stage: tuple[tuple[int, int], ...]  # comparable; () is the final release
    local: str


class Distance(msgspec.Struct, frozen=True, kw_only=True):
    """How one version became another: `older` says that it went back, `build` that the local part differs as well."""

    step: Step
    older: bool = False
    build: bool = False


def parse(text: str) -> Release | None:
    """Take a version number apart; None for what is none. A pin (`==2.1.0`) reads as its number."""
    bare = pinned(text)
    return _parsed(bare) if len(bare) <= _LONGEST else None


@lru_cache(maxsize=4096)  # fifty environments of 500 packages have few numbers between them
def _parsed(bare: str) -> Release | None:
    match = _RELEASE.fullmatch(bare)
    if match is None:
        return None
    numbers = [int(part) for part in match["numbers"].split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return Release(
        epoch=int(match["epoch"] or 0),
        numbers=tuple(numbers),
        stage=_stage(match["suffix"]),
        local=re.sub("[-_]", ".", match["local"] or "").lower(),
    )


@lru_cache(maxsize=4096)
def pinned(text: str) -> str:
    """Return the version that an exact requirement asks for (`==2.1`, `===2.1`), or the text as it is."""
    bare = text.strip()
    if bare.startswith("==") and "," not in bare and not bare.endswith("*"):
        return bare.lstrip("=").strip()
    return bare


def _stage(suffix: str) -> tuple[tuple[int, int], ...]:
    """Order: dev < alpha < beta < rc < final () < post."""
    parts = ((word, number) for word, number in _PART.findall(suffix) if word or number)
    return tuple((_ORDER.get(word.lower(), 1), int(number or 0)) for word, number in parts)


def _later(release: Release) -> tuple[int, tuple[int, ...], tuple[tuple[int, int], ...]]:
    return release.epoch, release.numbers, (*release.stage, (0, 0))


@lru_cache(maxsize=4096)
def distance(before: str, after: str) -> Distance:
    """Say how far `after` is from `before`."""
    if pinned(before) == pinned(after):
        return Distance(step=Step.NONE)
    old, new = parse(before), parse(after)
    if old is None or new is None:
        return Distance(step=Step.OTHER)
    step = _step(old, new)
    older = _later(new) < _later(old)
    return Distance(step=step, older=older, build=old.local != new.local)


def _step(old: Release, new: Release) -> Step:
    if old.epoch != new.epoch:
        return Step.MAJOR
    if old.numbers != new.numbers:
        return _place(old.numbers, new.numbers)
    if old.stage != new.stage:
        return Step.STAGE
    return Step.BUILD if old.local != new.local else Step.NONE


def _place(old: tuple[int, ...], new: tuple[int, ...]) -> Step:
    for step, place in ((Step.MAJOR, 0), (Step.MINOR, 1)):
        if (*old, 0)[place : place + 1] != (*new, 0)[place : place + 1]:
            return step
    return Step.PATCH
