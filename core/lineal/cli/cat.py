"""`lineal cat`: a stored file, or a range of it, on stdout."""

from __future__ import annotations

import re
import sys

import click

from lineal.cli import storing
from lineal.cli.context import Context, pass_context
from lineal.cli.get import content_of
from lineal.errors import ConfigError

_RANGE = re.compile(r"(?P<start>[0-9]+)(-(?P<stop>[0-9]*)|\+(?P<length>[0-9]+))")


@click.command("cat")
@click.argument("version")
@click.argument("path")
@click.option("--range", "part", metavar="A-B|A+N", help="Only the bytes from A up to B, or N bytes from A.")
@storing.store_option
@pass_context
def command(context: Context, version: str, path: str, part: str | None, store: str | None) -> None:
    """Write the file PATH of a VERSION to stdout, as it is; reading no block that holds none of the range.

    \b
    Examples:
      lineal cat churn@v3 config.json
      lineal cat churn model.safetensors --range 0-1024 | xxd
    """
    start, stop = _span(part)
    with storing.opened(context, store) as (_, shelf):
        document = shelf.document(shelf.resolve(version))
        content = content_of(document, path)
        file = shelf.file(document, content)
        for piece in file.blocks(start, stop):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


def _span(part: str | None) -> tuple[int, int | None]:
    if part is None:
        return 0, None
    match = _RANGE.fullmatch(part)
    if match is None:
        raise ConfigError(f"--range {part!r} is no range", hint="as in 0-1024 (up to 1024) or 4096+512 (512 bytes)")
    start = int(match["start"])
    if match["length"]:
        return start, start + int(match["length"])
    return start, int(match["stop"]) if match["stop"] else None
