"""The worker's side of `commands`: the command line's own parser says what was meant, and what may follow."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click
from click.shell_completion import CompletionItem, ShellComplete

from lineal.cli.context import Context
from lineal.cli.root import VERBS, lineal
from lineal.errors import Error
from lineal.model.listing import VersionRow
from lineal.model.text import UNSAFE
from lineal_tui import commands
from lineal_tui.acts import Deed, PlanRequest
from lineal_tui.commands import CommandReady, Previews, Refused, Runs, WordsReady
from lineal_tui.places import identity

_LAST = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")*(?:'[^']*|"(?:[^"\\]|\\.)*)?\Z""", re.DOTALL)
_MOST = 50
_LONGEST = 4_000  # characters before the cursor that are looked at
_HELPS = frozenset({"-h", "--help"})
_OWN = (("q", "leave, as the key does"), ("help", "every verb"))
_DEEDS = frozenset({
    Deed.PROMOTE, Deed.ALIAS, Deed.ROLLBACK, Deed.TAG, Deed.UNDO, Deed.REQUEST, Deed.APPROVE, Deed.REJECT, Deed.NOTE,
    Deed.RESUME,
})  # fmt: skip


class Source(Protocol):
    """What is asked of a workspace."""

    def version(self, reference: str) -> VersionRow:
        """Return the version that a reference names. Raises Error."""
        ...


class Here(Context):
    """The context of a command line that is typed in the application: its workspace is open already."""

    def __init__(self, source: Any) -> None:
        self._source = source

    @contextmanager
    def open(self) -> Iterator[Any]:  # type: ignore[override]
        """Return the workspace, which stays open."""
        yield self._source


def answer(request: commands.Commanded, source: Source) -> CommandReady | WordsReady:
    """Answer a request. Raises Error, such as NotFound for a version that is named."""
    if isinstance(request, commands.WordsRequest):
        return WordsReady(request, *_completed(request, source))
    return CommandReady(request, _outcome(request, source))


# --- what becomes of it ---


def _outcome(request: commands.CommandRequest, source: Source) -> commands.Outcome:
    words = list(request.words)
    if words[:1] == [commands.HELP]:
        words = [*words[1:2], "--help"]
    if why := commands.refused(words):
        return Refused(why)
    try:
        return _meant(words, request, source)
    except click.UsageError as error:
        return Refused(error.format_message())


def _meant(words: list[str], request: commands.CommandRequest, source: Source) -> commands.Outcome:
    context = lineal.make_context("lineal", list(words), resilient_parsing=True)
    rest = [*context._protected_args, *context.args]  # click has no public name for the verb
    if not rest:
        return Runs(tuple(words))  # --help, --version: all else was refused
    name, command, arguments = lineal.resolve_command(context, rest)
    assert command is not None
    helps = len(rest) <= 3 and rest[-1] in _HELPS
    reads = helps or commands.among(words, commands.READS)
    if why := request.read_only if not reads else "":
        return Refused(f"read-only: {why}")
    if helps:
        return Refused(why) if request.page and (why := commands.barred(words)) else Runs(tuple(words))
    acts = {"yes", "dry_run"} <= {one.name for one in command.params} and not _HELPS & set(arguments)
    if acts:
        return _acting(words, name or "", command, arguments, request, source)
    if request.page and (why := commands.barred(words)):
        return Refused(why)
    if name == Deed.RESUME and not arguments:
        return Previews(PlanRequest(deed=Deed.RESUME))
    return Runs(tuple(words), changes=not reads)


def _acting(
    words: list[str],
    name: str,
    command: click.Command,
    arguments: list[str],
    request: commands.CommandRequest,
    source: Source,
) -> commands.Outcome:
    """Say what becomes of a verb that shows a plan and asks."""
    group = click.Context(lineal, info_name="lineal", **lineal.context_settings)
    said = command.make_context(name, list(arguments), parent=group).params
    at = commands.verb_at(words)
    if request.page and (at or name not in _DEEDS):
        return Refused(f"{words[0]} is not for a page: run it in a shell on the host")
    if said["dry_run"]:
        return Runs(tuple(words))
    if said["yes"]:
        return Runs(tuple(words), changes=True)
    if name in _DEEDS and at == 0 and said.get("form") == "table":
        return Previews(_wish(Deed(name), said, source), said.get("override", ""))
    dry = (*words[: at + 1], "--dry-run", *words[at + 1 :])
    if request.page:
        return Runs(dry, note="nothing was changed")
    return Runs(dry, note=f"nothing was changed: this is the plan; the same line with --yes carries out {name}")


def _wish(deed: Deed, said: dict[str, Any], source: Source) -> PlanRequest:
    """Return what a verb means as what the key of the same name asks for."""
    reason = said["reason"]
    if deed is Deed.UNDO:
        return PlanRequest(deed=deed, event=said["event"], text=reason)
    if deed is Deed.ROLLBACK:
        return _way_back(said, source)
    row = source.version(said["version"])
    if deed is Deed.TAG:
        return PlanRequest(
            deed=deed, row=row, sets=_tags(said["tags"]), removes=tuple(said["removes"]), text=reason
        )  # fmt: skip
    if deed is Deed.NOTE:
        if not (text := said["text"] or reason).strip():
            raise click.UsageError("there is nothing in the note")
        return PlanRequest(deed=deed, row=row, text=text)
    removes = (said["alias"],) if said.get("remove") else ()
    return PlanRequest(deed=deed, row=row, alias=said["alias"], removes=removes, text=reason)


def _tags(words: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the tags that are set, each once. Raises UsageError."""
    found = {key: value for key, is_set, value in (word.partition("=") for word in words) if key and is_set}
    if len(found) < len(words):
        raise click.UsageError("each tag is KEY=VALUE, once; --remove KEY takes one away")
    return tuple(found.items())


def _way_back(said: dict[str, Any], source: Source) -> PlanRequest:
    model, to = said["model"], said["to"]
    target = source.version(to if "@" in to else f"{model.rpartition('@')[0] or model}@{to}") if to else None
    return PlanRequest(
        deed=Deed.ROLLBACK, row=source.version(model), alias=said["alias"],
        to=identity(target) if target else None, text=said["reason"],
    )  # fmt: skip


# --- what may follow ---


def _completed(request: commands.WordsRequest, source: Source) -> tuple[str, list[tuple[str, str]]]:
    before = request.text[max(0, request.at - _LONGEST) : request.at]
    begun = _LAST.search(before)
    raw = begun[0] if begun else ""
    head = request.text[: request.at - len(raw)]
    try:
        words, word = commands.split(head, request.here), _unquoted(raw)
    except ValueError:
        return head, []
    found = [(said, what) for said, what in _offered(words, word, request, source) if not UNSAFE.search(said)]
    return head, [(shlex.quote(said), what) for said, what in found if said != word][:_MOST]


def _unquoted(raw: str) -> str:
    for end in ("", "'", '"'):
        try:
            return "".join(shlex.split(raw + end))
        except ValueError:
            continue
    return raw


def _offered(
    words: Sequence[str], word: str, request: commands.WordsRequest, source: Source
) -> Iterator[tuple[str, str]]:
    if not words and not word.startswith("-"):
        verbs = [(name, "") for name in VERBS if not commands.refused([name])]
        shown = [one for one in verbs if not request.page or one[0] in commands.LOOKS | _DEEDS]
        yield from (one for one in (*shown, *_OWN) if one[0].startswith(word))
        return
    try:
        items = ShellComplete(lineal, {"obj": Here(source)}, "lineal", "_LINEAL_COMPLETE").get_completions(
            list(words), word
        )
    except (Error, click.ClickException, click.exceptions.Exit):
        return
    yield from ((item.value, item.help or "") for item in items if _is_word(item))


def _is_word(item: CompletionItem) -> bool:
    return item.type == "plain" and isinstance(item.value, str)
