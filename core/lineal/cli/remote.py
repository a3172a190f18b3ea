"""`lineal remote add|list|remove`: other stores that this workspace knows by name."""

from __future__ import annotations

import click

from lineal.cli import output
from lineal.cli.context import Context, format_option, narrate, pass_context
from lineal.cli.output import Format
from lineal.config import PROJECT_FILE, PlaceSection, place
from lineal.errors import ConfigError, Conflict
from lineal.model.reference import REGISTRY


@click.group("remote")
def command() -> None:
    """Name other stores: a bucket on S3, a folder on NFS, a colleague's disk."""


@command.command("list")
@format_option
@pass_context
def ls(context: Context, form: Format) -> None:
    """List the remotes of this workspace."""
    with context.open() as work:
        rows = [(name, spec.url, spec.origin, dict(spec.options)) for name, spec in sorted(work.config.remotes.items())]
    if form == Format.JSON:
        output.documents({"name": name, "url": url, "origin": origin} | options for name, url, origin, options in rows)
        return
    output.table(
        form,
        ["name", "url", "origin", "options"],
        (
            [name, url, origin, " ".join(f"{key}={value}" for key, value in options.items())]
            for name, url, origin, options in rows
        ),
    )


@command.command("add")
@click.argument("name")
@click.argument("url", metavar="URL|FOLDER")
@click.option("--endpoint", default="", help="The server, if it is not AWS.")
@click.option("--profile", default="", help="The profile of your AWS configuration to use.")
@click.option("--region", default="")
@click.option("--path-style/--virtual-style", default=None, help="How buckets are addressed.")
@click.option("--checksums", type=click.Choice(["when_supported", "when_required"]), help="For servers not AWS.")
@pass_context
def add(
    context: Context,
    name: str,
    url: str,
    endpoint: str,
    profile: str,
    region: str,
    path_style: bool | None,
    checksums: str | None,
) -> None:
    """Name the store at URL in lineal.toml; it is made by the first push. Credentials are never kept.

    \b
    Examples:
      lineal remote add origin s3://models/team --endpoint https://minio.example.com --path-style
      lineal remote add nas /mnt/nas/models
    """
    import msgspec

    from lineal.config_file import add_remote

    if not REGISTRY.fullmatch(name):
        raise ConfigError(f"{name!r} is no name of a remote", hint="use a-z, 0-9, `.`, `_` and `-`")
    where = place(url, context.around.cwd, context.around.home)
    if "://" in where and not where.startswith("s3://"):
        raise ConfigError(f"{url} is no place for a store", hint="name a folder or s3://bucket/prefix")
    section = msgspec.convert(
        {
            "url": where,
            "endpoint": endpoint,
            "profile": profile,
            "region": region,
            "path_style": path_style,
            "checksums": checksums or "",
        },
        PlaceSection,
    )
    with context.open() as work:
        if name in work.config.remotes:
            raise Conflict(f"{name!r} is already {work.config.remotes[name].url}", hint="remove it first")
        file = work.root / PROJECT_FILE
        add_remote(file, name, section)
    narrate(f"added {name} to {file}")
    narrate(f"next: lineal push {name}, or lineal pull {name}")


@command.command("remove")
@click.argument("name")
@pass_context
def remove(context: Context, name: str) -> None:
    """Forget the remote NAME. Nothing in it is touched."""
    from lineal.config_file import remove_remote

    with context.open() as work:
        remove_remote(work.root / PROJECT_FILE, name)
    narrate(f"removed {name}")
