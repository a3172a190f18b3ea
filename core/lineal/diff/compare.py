"""Two or more versions side by side, facet by facet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from lineal.diff.code import Changes, code
from lineal.diff.data import data
from lineal.diff.environment import environment
from lineal.diff.files import Digests, files, own
from lineal.diff.goals import Goals
from lineal.diff.metrics import metrics
from lineal.diff.params import params
from lineal.diff.table import Frame
from lineal.diff.tags import tags
from lineal.diff.tensors import Headers, tensors
from lineal.errors import ConfigError
from lineal.model.diff import Diff, Facet, Section
from lineal.model.reference import Selector, SelectorKind, canonical
from lineal.model.version import Version

LARGEST = 64  # versions in one comparison


def compare(
    versions: Sequence[Version],
    *,
    baseline: int = 0,
    changed_only: bool = True,
    facets: Collection[Facet] | None = None,
    goals: Goals | None = None,
    tensors: Headers | None = None,
    code: Changes | None = None,
    digests: Digests = own,
    most: int = 0,
) -> Diff:
    """Compare `versions` with the one at index `baseline`.

    `facets` chooses some of them, None stands for all. `goals` says which way metrics get better and what is noise;
    `tensors`, `code` and `digests` look things up that a version does not carry itself, and are asked only for their
    facets. With `changed_only` sections hold the rows that differ; their counts are always of all.
    Parameters beyond the first `most` rows (0: no end) are only counted: a first screen of many versions needs no more.

    Raises:
        ConfigError: there are fewer than two versions or more than 64, or `baseline` is none of them.
    """
    if not 2 <= len(versions) <= LARGEST:
        raise ConfigError(f"{len(versions)} versions cannot be compared", hint=f"name between 2 and {LARGEST}")
    if not 0 <= baseline < len(versions):
        raise ConfigError(f"there is no version number {baseline + 1} to be the baseline", hint=f"1 to {len(versions)}")
    frame, names = Frame(baseline, changed_only), _names(versions)
    make = _makers(versions, frame, names, goals or Goals(), tensors, code, digests, most)
    return Diff(
        versions=_references(versions),
        names=names,
        baseline=baseline,
        sections=tuple(make[facet]() for facet in Facet if facets is None or facet in facets),
    )


def _makers(
    versions: Sequence[Version],
    frame: Frame,
    names: tuple[str, ...],
    goals: Goals,
    headers: Headers | None,
    changes: Changes | None,
    digests: Digests,
    most: int,
) -> dict[Facet, Callable[[], Section]]:
    return {
        Facet.METRICS: lambda: metrics(versions, frame, goals),
        Facet.PARAMS: lambda: params(versions, frame, most),
        Facet.ENVIRONMENT: lambda: environment(versions, frame, names),
        Facet.DATA: lambda: data(versions, frame),
        Facet.CODE: lambda: code(versions, frame, names, changes),
        Facet.FILES: lambda: files(versions, frame, names, digests),
        Facet.TENSORS: lambda: tensors(versions, frame, names, headers),
        Facet.TAGS: lambda: tags(versions, frame),
    }


def _references(versions: Sequence[Version]) -> tuple[str, ...]:
    """Name each version so that it alone is meant: by its name, or by its id where a name is there twice."""
    named = [canonical(version.registry, version.model, version.name) for version in versions]
    keys: dict[str, set[str]] = {}
    for reference, version in zip(named, versions, strict=True):
        keys.setdefault(reference, set()).add(version.key)
    return tuple(
        reference if len(keys[reference]) == 1 else _by_key(version)
        for reference, version in zip(named, versions, strict=True)
    )


def _by_key(version: Version) -> str:
    return canonical(version.registry, version.model, Selector(SelectorKind.ID, version.key))


def _names(versions: Sequence[Version]) -> tuple[str, ...]:
    """Give each version the shortest name that tells it from the others: v7, churn@v7, prod:churn@v7, the reference."""
    plain = [version.name or version.key for version in versions]
    for names in (plain, [f"{version.model}@{version.name}" for version in versions]):
        if max(Counter(names).values()) == 1:
            return tuple(names)
    return _references(versions)
