"""`lineal who` and `lineal log`: which version an alias held, since when, who let it through; and all else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click

from lineal.cli import acting, output
from lineal.cli.context import Context, complete_version, format_option, pass_context
from lineal.cli.output import Format
from lineal.errors import ConfigError
from lineal.model.plan import Entry, Holding

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def moment(text: str) -> float:
    """Read a date as Unix seconds; a day alone means its end, in UTC. Raises ConfigError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no date", hint="as in 2026-03-01 or 2026-03-01T14:00+02:00") from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if _DAY.fullmatch(text):
        at += timedelta(days=1, seconds=-1)
    return at.timestamp()


@click.command("who")
@click.argument("alias", metavar="MODEL@ALIAS", shell_complete=complete_version)
@click.option("--at", metavar="DATE", default="", help="On that day (its end), or at that time.")
@click.option("--all", "every", is_flag=True, help="Everything it held, the newest first.")
@format_option
@pass_context
def who(context: Context, alias: str, at: str, every: bool, form: Format) -> None:
    """Say which version an alias holds, or held, since when, who put it there and who approved it.

    Before anybody looked the answer is: unknown.

    \b
    Examples:
      lineal who churn@prod
      lineal who churn@prod --at 2026-03-01
    """
    model, found, name = alias.rpartition("@")
    if not found or not name:
        raise ConfigError(f"{alias!r} names no alias", hint="as in churn@prod")
    when = moment(at) if at else None
    with acting.at_desk(context) as (work, desk):
        row = work.version(model)
        if every:
            held = [one for one in desk.timeline(row.registry, row.model) if one.alias == name]
            held = [one for one in held if one.subject or one.since is not None or one.source == "unknown"]
        else:
            held = [desk.held(row.registry, row.model, name, when)]
    if form == Format.JSON:
        output.documents(held)
    elif form == Format.TABLE and not every:
        for line in _told(held[0]):
            output.write(line)
    else:
        output.table(form, ["version", "since", "until", "by", "source", "approvals", "runs"], map(_row, held))


def _row(one: Holding) -> tuple[str, ...]:
    approved = ", ".join(f"{said.what} by {said.by}" for said in one.approvals)
    version = one.subject.reference or ("unknown" if one.source == "unknown" else "nothing")
    since, until = output.moment(one.since), output.moment(one.until)
    return (version, since, until, one.by, one.source, approved, ", ".join(place.text for place in one.deployed))


def _told(one: Holding) -> Iterator[str]:
    name = f"{one.model}@{one.alias}"
    pairs = [("alias", name), ("version", _version(one))]
    pairs += [("since", output.moment(one.since))] if one.since is not None else []
    pairs += [("until", output.moment(one.until))] if one.until is not None else []
    pairs += [("by", one.by)] if one.by else []
    sources = {
        "action": "done with Lineal",
        "observed": "seen by a sync: it moved then or some time before",
        "registry": "by the registry's own history",
        "now": "by the registry, now; nobody wrote down since when",
        "unknown": "nobody looked before that",
    }
    pairs += [("known", sources.get(one.source, one.source))]
    pairs += [(said.what, f"{said.by} {output.moment(said.at)} {said.text}".rstrip()) for said in one.approvals]
    pairs += [("elsewhere" if place.counterpart else "runs", place.text) for place in one.deployed]
    yield from output.indented(pairs)


def _version(one: Holding) -> str:
    if one.subject:
        return f"{one.subject.name}  {one.subject.reference}"
    return "unknown" if one.source == "unknown" else "nothing"


def _model(one: Entry) -> str:
    return f"{one.registry}:{one.model}".rstrip(":") if one.registry else one.model


@click.command("log")
@click.argument("model", default="")
@click.option("-n", "--limit", default=50, show_default=True, help="At most so many entries.")
@click.option("--before", type=int, default=None, metavar="NUMBER", help="Entries before this one.")
@click.option("--all", "every", is_flag=True, help="Every entry: an action is several.")
@format_option
@pass_context
def log(context: Context, model: str, limit: int, before: int | None, every: bool, form: Format) -> None:
    """Show what the ledger holds, the newest first: of one MODEL, or all.

    \b
    Examples:
      lineal log
      lineal log churn --format json
    """
    with acting.at_desk(context) as (work, desk):
        row = work.version(model) if model else None
        registry, name = (row.registry, row.model) if row else ("", "")
        found = desk.log(limit=limit, before=before, registry=registry, model=name, every=every)
    if form == Format.JSON:
        output.documents(found)
        return
    heads = ["number", "at", "kind", "model", "alias", "before", "after", "by", "action", "text"]
    rows = [
        (
            *(one.number, output.moment(one.at), one.kind, _model(one), one.alias, one.before, one.after, one.by),
            *(one.action[:12], one.text),
        )
        for one in found
    ]
    output.table(form, heads, rows)
