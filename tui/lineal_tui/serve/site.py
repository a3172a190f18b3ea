"""The site: one page, what it is made of, and the socket between it and its process. It speaks of no other host."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import textual_serve
from aiohttp import WSCloseCode, WSMsgType, web

from lineal_tui.serve.access import Access
from lineal_tui.serve.children import Child, size_of

_PAGE = Path(__file__).parent / "page"
_STATIC = Path(textual_serve.__file__).parent / "static"  # xterm.js and a font
_MOST = 8  # pages at a time: each is a process of some 70 MB
_TYPED = 1 << 20  # bytes of one message
_HEARTBEAT = 20.0  # seconds between two looks at whether a page is still there
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """What answers requests, for whoever has the token."""

    def __init__(self, access: Access, cwd: str, environ: Mapping[str, str], title: str) -> None:
        self._access = access
        self._cwd = cwd
        self._environ = dict(environ)
        self._title = title
        self._sockets: set[web.WebSocketResponse] = set()

    def application(self) -> web.Application:
        """Make the application that aiohttp runs."""
        made = web.Application(middlewares=[self._guard])
        made.on_response_prepare.append(_headers)
        made.on_shutdown.append(self._close)
        made.add_routes([
            web.get("/", self._index),
            web.get("/ws", self._socket),
            web.static("/page", _PAGE),
            web.static("/static", _STATIC),
        ])  # fmt: skip
        return made

    # --- who may ---

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer those only who have the token; it is changed for a cookie, so that no history keeps it."""
        if why := self._access.refusal(request.host, request.headers.get("Origin")):
            return _refused(why)
        name = _cookie(request)
        if request.path == "/" and self._access.opens(request.query.get("token", "")):
            inside = web.HTTPSeeOther("/")
            inside.set_cookie(name, self._access.cookie, httponly=True, samesite="Lax", path="/")
            raise inside
        if not self._access.knows(request.cookies.get(name, "")):
            return _refused("the address lacks its token: use the one that `lineal serve` printed")
        return await handler(request)

    # --- the page ---

    async def _index(self, request: web.Request) -> web.Response:
        page = (_PAGE / "index.html").read_text()
        socket = f"{'wss' if request.secure else 'ws'}://{request.host}/ws"
        for name, value in (("title", self._title), ("socket", socket)):
            page = page.replace("{" + name + "}", escape(value))
        return web.Response(text=page, content_type="text/html")

    # --- the socket ---

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if len(self._sockets) >= _MOST:
            return _refused(f"{_MOST} pages are open; close one")
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT, max_msg_size=_TYPED)
        await socket.prepare(request)
        self._sockets.add(socket)
        size = size_of(request.query.get("width"), request.query.get("height"))
        child = await Child.start(self._cwd, self._environ, size)
        drawing = asyncio.create_task(_draw(child, socket))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await _hear(child, socket, message.data)
        finally:
            self._sockets.discard(socket)
            await asyncio.shield(child.stop())
            drawing.cancel()
        return socket

    async def _close(self, _: web.Application) -> None:
        """Close every socket, which ends its process."""
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)


async def _draw(child: Child, socket: web.WebSocketResponse) -> None:
    """Send what a process draws; a page whose process has ended is told so."""
    with contextlib.suppress(ConnectionError):
        await child.draw(socket.send_bytes)
    await socket.close()


async def _hear(child: Child, socket: web.WebSocketResponse, text: str) -> None:
    """Hand on what a page says; what is none of it is passed over."""
    match _parsed(text):
        case ["stdin", str() as typed]:
            await child.type(typed)
        case ["resize", {"width": width, "height": height}]:
            columns, lines = size_of(width, height)
            await child.say(type="resize", width=columns, height=lines)
        case ["focus" | "blur" as kind]:
            await child.say(type=kind)
        case ["ping", str() as when]:
            await socket.send_json(["pong", when[:40]])
        case _:
            pass


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _cookie(request: web.Request) -> str:
    """Return the cookie's name: browsers share cookies among all ports of a host."""
    return f"lineal-{request.host.rpartition(':')[2] if ':' in request.host else 80}"


def _refused(why: str) -> web.Response:
    return web.Response(status=403, text=f"Refused: {why}.\n")


async def _headers(request: web.Request, response: web.StreamResponse) -> None:
    """Let the page load from here and from nowhere else, and be shown in no other."""
    response.headers.update({
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
            f"img-src 'self' data:; connect-src 'self' ws://{request.host} wss://{request.host}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    })  # fmt: skip
