"""`lineal serve`: the application in a browser."""

from __future__ import annotations

import click

from lineal.cli import Serving
from lineal.cli.context import Context, pass_context
from lineal.errors import Blocked, Unsupported


@click.command("serve")
@click.option("--write", is_flag=True, help="Let pages change things; without it everything is read-only.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen on.")
@click.option("--open-to-others", is_flag=True, help="Let --host be an address that other machines reach.")
@pass_context
def command(context: Context, write: bool, port: int, host: str, open_to_others: bool) -> int:
    """Open the application in a browser.

    Prints the address, which holds a token: whoever has it sees what you see. Only this machine is listened to, and
    nothing can be changed, unless you say otherwise. Every page is a process of its own, which ends with its page.
    """
    if context.serve is None:
        raise Unsupported("the application is not part of this command", hint="start it as `lineal serve`")
    if not (_only_here(host) or open_to_others):
        raise Blocked(
            f"{host} is reached from other machines, and what is sent there is not encrypted",
            hint="`ssh -L 8765:localhost:8765 HERE` reaches the default; --open-to-others serves it all the same",
        )
    with context.open_as_application() as work:
        return context.serve(work, Serving(host, port, write))


def _only_here(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")
