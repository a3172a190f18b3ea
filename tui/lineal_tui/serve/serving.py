"""Serves the site until a signal comes, and says where."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import sys
from typing import TYPE_CHECKING

from lineal.errors import Error, MissingExtra
from lineal.model.text import visible
from lineal_tui.serve.access import Access, is_loopback
from lineal_tui.serve.children import surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from lineal.cli import Serving
    from lineal.workspace import Workspace

_WAIT = 2.0  # seconds that answers which are under way may take at the end


def serve(work: Workspace, serving: Serving) -> int:
    """Serve the application on a workspace; return the exit code. Raises MissingExtra, Error."""
    try:
        from lineal_tui.serve.site import Site
    except ModuleNotFoundError as missing:
        raise MissingExtra("serve", "textual-serve") from missing
    access = Access.fresh(serving.host)
    listening = _listening(serving.host, serving.port)
    environ = {**surroundings(work.around.environ, write=serving.write), "LINEAL_INDEX": work.index_url}
    site = Site(access, str(work.around.cwd), environ, visible(work.root.name or str(work.root), 60))
    with listening:
        asyncio.run(_until_signal(site.application(), listening, lambda: _say(work, serving, listening, access)))
    return 0


def _say(work: Workspace, serving: Serving, listening: socket.socket, access: Access) -> None:
    may = "whoever has this address may act as you" if serving.write else "read-only; --write lets pages change things"
    sys.stderr.write(f"serving {visible(str(work.root))}: {may}; ^C ends it and every page\n")
    if not is_loopback(serving.host):
        sys.stderr.write(
            f"warning: {visible(serving.host)} is reached from other machines, and the token goes there unencrypted;"
            " `ssh -L` to a loopback address is safer\n"
        )
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    sys.stdout.write(f"http://{host}:{listening.getsockname()[1]}/?token={access.token}\n")
    sys.stdout.flush()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "somebody listens there" if taken else str(error)
        raise Error(f"cannot listen on {host} port {port}: {why}", hint="--port 0 takes any that is free") from error


async def _until_signal(application: web.Application, listening: socket.socket, say: Callable[[], None]) -> None:
    from aiohttp import web

    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    # no log of requests: the token stands in the first
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_WAIT)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        say()
        await asked.wait()
    finally:
        with contextlib.suppress(asyncio.TimeoutError):
            await runner.cleanup()
