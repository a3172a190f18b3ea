"""`lineal verify|repair|gc|repack|stats`: looking after the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lineal.cli import output, storing
from lineal.cli.context import Context, format_option, narrate, pass_context
from lineal.cli.output import Cell, Format
from lineal.errors import ConfigError
from lineal.store.effort import Effort

if TYPE_CHECKING:
    from lineal.registries.native.shelf import Shelf
    from lineal.store.care import Checked, Plan

DAY = 24 * 3600.0


@click.command("verify")
@click.option("--full", is_flag=True, help="Read every byte of every pack, not only what says where they are.")
@storing.store_option
@format_option
@pass_context
def verify(context: Context, full: bool, store: str | None, form: Format) -> None:
    """Check that every version of the store is there and whole, and the ledger untouched.

    Exits with 7 if something is not what it should be.
    """
    with storing.opened(context, store) as (_, shelf):
        checked = _checked(shelf, full=full)
    faults = checked.faults
    if form == Format.JSON:
        output.document(checked)
    else:
        output.table(form, ["object", "fault", "blocks"], ([one.key, one.message, len(one.blocks)] for one in faults))
    said = f"{checked.versions:,} versions, {checked.blocks:,} blocks in {checked.packs:,} packs"
    narrate(f"{said}: {f'{len(faults):,} faults' if faults else 'whole'}")
    if faults:
        narrate("hint: `lineal repair --from REMOTE` fetches what is damaged; nothing was changed")
        click.get_current_context().exit(7)


def _checked(shelf: Shelf, *, full: bool) -> Checked:
    from lineal.registries.native import upkeep
    from lineal.store import care

    live = upkeep.live(shelf)
    shelf.store.catalog.refresh()
    size = shelf.store.catalog.totals()[2]
    with storing.Bar("verifying", size) as bar:
        return care.verify(shelf.store, live, full=full, on_bytes=bar)


@click.command("repair")
@click.option("--from", "remote", metavar="REMOTE", required=True, help="A remote's name, or the place of a store.")
@storing.store_option
@format_option
@pass_context
def repair(context: Context, remote: str, store: str | None, form: Format) -> None:
    """Fetch what is damaged or gone from another store. Only ever adds: damaged packs are put aside, in `damaged/`."""
    from lineal.registries.native import upkeep

    with storing.opened(context, store, writes=True) as (work, shelf), work.remote(remote) as other:
        checked = _checked(shelf, full=True)
        done = upkeep.repair(shelf, other, checked.faults)
    if form == Format.JSON:
        output.document(done)
    else:
        output.table(form, ["object", "not repaired"], ([one.key, one.message] for one in done.left))
    narrate(f"{len(checked.faults):,} faults; fetched {output.size(done.bytes)} and {done.versions} manifests")
    if done.left:
        click.get_current_context().exit(7)


@click.command("gc")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--grace", type=float, default=14.0, show_default=True, metavar="DAYS", help="Keep what is younger.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@storing.store_option
@format_option
@pass_context
def gc(context: Context, dry_run: bool, grace: float, yes: bool, store: str | None, form: Format) -> None:
    """Take away what no version needs: packs of interrupted commits, and the bytes of retired versions.

    Says first what goes, how many bytes and why. What is younger than its grace stays, and so does everything that a
    kept version is a difference from. Nothing is done while somebody commits.
    """
    from lineal.registries.native import upkeep

    if grace < 0:
        raise ConfigError("--grace is a number of days", hint="--grace 14")
    with storing.opened(context, store, writes=True) as (_, shelf):
        plan = upkeep.plan(shelf, grace=grace * DAY)
        _show(plan, form)
        if dry_run or not (plan.packs or plan.rewritten or plan.versions):
            return
        if not yes:
            click.confirm(f"Free {output.size(plan.freed)}?", abort=True, err=True)
        narrate(f"freed {output.size(upkeep.collect(shelf, plan))}")


def _show(plan: Plan, form: Format) -> None:
    if form == Format.JSON:
        output.document(plan)
        return
    rows: list[list[Cell]] = [
        [f"version {version[:12]}", "goes", "", "retired longer ago than its grace"] for version in plan.versions
    ]
    for verb, wastes in (("goes", plan.packs), ("is rewritten", plan.rewritten), ("stays for now", plan.kept)):
        rows += [[f"pack {waste.pack[:12]}", verb, output.size(waste.freed), waste.why] for waste in wastes]
    output.table(form, ["object", "what", "frees", "why"], rows)
    narrate(f"frees {output.size(plan.freed)}" if rows else "nothing to take away")


@click.command("repack")
@click.option("--effort", type=click.Choice([one.value for one in Effort]), default=Effort.MAX.value, show_default=True)
@storing.store_option
@pass_context
def repack(context: Context, effort: str, store: str | None) -> None:
    """Write the store's blocks anew, harder compressed; versions and their ids stay what they are.

    What was there before goes with `lineal gc`, after its grace.
    """
    from lineal.registries.native import upkeep

    with storing.opened(context, store, writes=True) as (_, shelf):
        before = shelf.store.catalog.totals()[2]
        with storing.Bar("repacking", before) as bar:
            saved = upkeep.repack(shelf, Effort(effort), bar)
    narrate(f"{output.size(saved)} less once `lineal gc` has taken the old packs")


@click.command("stats")
@storing.store_option
@format_option
@pass_context
def stats(context: Context, store: str | None, form: Format) -> None:
    """Say for each model what its versions would take whole, what is left without doubles, and what they take."""
    from lineal.registries.native import upkeep

    with storing.opened(context, store) as (_, shelf):
        found = upkeep.statistics(shelf)
        packs, blocks, size = shelf.store.catalog.totals()
    if form == Format.JSON:
        output.document({"packs": packs, "blocks": blocks, "bytes": size, "models": found})
        return
    heads = ["model", "versions", "whole", "without doubles", "stored", "share"]
    rows: list[list[Cell]] = [
        [
            one.model,
            one.versions,
            output.size(one.whole),
            output.size(one.unique),
            output.size(one.stored),
            f"{one.stored / one.whole:.1%}" if one.whole else "",
        ]
        for one in found
    ]
    output.table(form, heads, rows)
    narrate(f"{blocks:,} blocks in {packs:,} packs, {output.size(size)}")
