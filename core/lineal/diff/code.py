"""Code: which commits lie between, which files they touched, and the difference itself where it can be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from lineal.diff.table import Frame, Judge, Table, tabulate
from lineal.errors import Error
from lineal.model.diff import Cell, Facet, Row, Section, Verdict
from lineal.model.values import Value
from lineal.model.version import Code, Version

_SHORT = 12  # hexadecimal digits of a commit in a cell
_FILES = 2_000  # rows of changed files; what is cut is said
_SUBJECTS = 20  # first lines of commit messages that stand above a difference
_ORDER = ("commit", "branch", "dirty", "entry", "repository")


class FileChange(msgspec.Struct, frozen=True):
    """One file that differs between two commits; the lines are None for a binary file."""

    path: str
    added: int | None
    removed: int | None


class CodeChange(msgspec.Struct, frozen=True, kw_only=True):
    """What lies between the commits of two versions. `text` is a unified diff, cut where it was too long."""

    commits: int = 0  # reachable from the second and not from the first
    back: int = 0  # reachable from the first and not from the second
    subjects: tuple[str, ...] = ()  # first lines of the messages, newest first
    files: tuple[FileChange, ...] = ()
    text: str = ""
    cut: bool = False


Changes = Callable[[Code, Code], CodeChange | None]
"""Looks two states of the code up; None where no repository at hand holds both commits."""


def change_between(base: Code, other: Code) -> CodeChange | None:
    """Look two states of the code up in the repositories at hand; None where none of them holds both commits.

    Raises:
        Unavailable: git is missing, fails or takes too long.
    """
    from lineal.formats.commits import between

    for repository in dict.fromkeys(filter(None, (other.local, base.local))):
        if (found := between(repository, base.commit, other.commit)) is not None:
            return CodeChange(
                commits=found.ahead,
                back=found.behind,
                subjects=found.subjects,
                files=tuple(FileChange(file.path, file.added, file.removed) for file in found.files),
                text=found.text,
                cut=found.cut,
            )
    return None


def code(versions: Sequence[Version], frame: Frame, names: Sequence[str], changes: Changes | None = None) -> Section:
    """Compare the source of versions with the baseline's; without `changes`, by what is recorded only."""
    facts = [_facts(version.code) for version in versions]
    unknown = frozenset(at for at, column in enumerate(facts) if not column)
    order = [name for name in _ORDER if any(name in one for one in facts)]
    table = tabulate(facts, _Facts(), frame, unknown=unknown, order=order)
    found, failures = _looked_up(versions, frame.baseline, changes)
    touched = _touched(versions, frame.baseline, found)
    rows = (*(_with_commits(row, found) for row in table.rows), *touched[:_FILES])
    joined = Table(rows, table.changed + len(touched), table.total + len(touched))
    without = [names[at] for at in sorted(unknown)]
    notes = [f"not recorded: {', '.join(without)}"] if without else []
    notes += [*_summaries(names, found), *failures]
    notes += [f"{len(touched) - _FILES:,} more files not shown"] if len(touched) > _FILES else []
    return joined.section(Facet.CODE, "; ".join(notes), _text(names, found))


def _facts(source: Code | None) -> dict[str, Value]:
    if source is None:
        return {}
    given: dict[str, Value] = {
        "commit": source.commit,
        "branch": source.branch,
        "dirty": source.dirty,
        "entry": source.entry,
        "repository": source.repository,
    }
    return {name: value for name, value in given.items() if value not in ("", None)}


class _Facts(Judge[Value]):
    def show(self, value: Value) -> Value:
        return value[:_SHORT] if isinstance(value, str) and _is_commit(value) else value

    def detail(self, value: Value) -> str:
        return value if isinstance(value, str) and _is_commit(value) else ""


def _is_commit(text: str) -> bool:
    return len(text) in (40, 64) and all(char in "0123456789abcdef" for char in text)


def _looked_up(
    versions: Sequence[Version], baseline: int, changes: Changes | None
) -> tuple[dict[int, CodeChange], list[str]]:
    """Return what lies between the baseline and each version; a repository that fails is a note, not the end."""
    base = versions[baseline].code
    found: dict[int, CodeChange] = {}
    failures: dict[str, None] = {}
    for at, version in enumerate(versions):
        if changes is None or base is None or version.code is None or not _moved(base, version.code):
            continue
        try:
            change = changes(base, version.code)
        except Error as e:
            failures[e.message] = None
            continue
        if change is not None:
            found[at] = change
    return found, list(failures)


def _moved(base: Code, other: Code) -> bool:
    return bool(base.commit and other.commit) and base.commit != other.commit


def _touched(versions: Sequence[Version], baseline: int, found: Mapping[int, CodeChange]) -> list[Row]:
    """Return a row for each file that is not everywhere as in the baseline; cells hold the lines added and removed."""
    base = versions[baseline].code
    blank = [_untouched(base, version.code, at == baseline, at in found) for at, version in enumerate(versions)]
    by_path: dict[str, list[Cell]] = {}
    for at, change in found.items():
        for file in change.files:
            cells = by_path.setdefault(file.path, list(blank))
            cells[at] = Cell(value=_lines(file), verdict=Verdict.CHANGED)
    return [Row(name=path, cells=tuple(by_path[path]), changed=True) for path in sorted(by_path)]


def _untouched(base: Code | None, other: Code | None, is_base: bool, looked_up: bool) -> Cell:
    """Return the cell of a file that a version has as the baseline has it, or of which nothing is known."""
    if is_base:
        return Cell(value="", verdict=Verdict.BASE)
    same = base is not None and other is not None and base.commit == other.commit
    return Cell(value="", verdict=Verdict.SAME) if same or looked_up else Cell(verdict=Verdict.ABSENT)


def _lines(file: FileChange) -> str:
    return "binary" if file.added is None or file.removed is None else f"+{file.added} −{file.removed}"


def _with_commits(row: Row, found: Mapping[int, CodeChange]) -> Row:
    if row.name != "commit":
        return row
    notes = {at: _distance(change) for at, change in found.items()}
    cells = (msgspec.structs.replace(cell, note=notes.get(at, "")) for at, cell in enumerate(row.cells))
    return msgspec.structs.replace(row, cells=tuple(cells))


def _distance(change: CodeChange) -> str:
    parts = [_plural(change.commits, "commit")] if change.commits or not change.back else []
    return " and ".join([*parts, f"{_plural(change.back, 'commit')} back"] if change.back else parts)


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _summaries(names: Sequence[str], found: Mapping[int, CodeChange]) -> list[str]:
    several = len(names) > 2
    return [f"{names[at]}: {_summary(change)}" if several else _summary(change) for at, change in found.items()]


def _summary(change: CodeChange) -> str:
    added = sum(file.added or 0 for file in change.files)
    removed = sum(file.removed or 0 for file in change.files)
    return f"{_distance(change)}, {_plural(len(change.files), 'file')}, +{added:,} −{removed:,}"


def _text(names: Sequence[str], found: Mapping[int, CodeChange]) -> str:
    """Return the differences below one another, each under what the commits say of themselves."""
    return "\n".join(_one_text(names[at] if len(names) > 2 else "", change) for at, change in found.items())


def _one_text(name: str, change: CodeChange) -> str:
    head = [f"# {name}"] if name else []
    head += [f"# {subject}" for subject in change.subjects[:_SUBJECTS]]
    more = len(change.subjects) - _SUBJECTS
    head += [f"# and {more} more"] if more > 0 else []
    tail = ["# cut: the difference is longer than is shown"] if change.cut else []
    return "\n".join([*head, change.text, *tail])
