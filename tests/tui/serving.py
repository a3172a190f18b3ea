"""A server of our own, what it serves to a client, and a Chromium that looks at it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 40.0


class Server:
    """`lineal serve` as a process of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url
        self.base, _, self.token = url.partition("/?token=")
        self.port = self.base.rpartition(":")[2]

    def pages(self) -> set[int]:
        """Return the processes of the pages that are open."""
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == self.process.pid and b"lineal_tui.serve.child" in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
            except OSError:
                continue
        return found

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def served(folder: Path, home: Path, *words: str, **environ: str) -> Iterator[Server]:
    """Serve a folder on a free port."""
    path = os.pathsep.join(str(ROOT / part) for part in ("core", "tui"))
    fixed = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": path, "GIT_CONFIG_NOSYSTEM": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "lineal_tui.main", "serve", "--port", "0", *words],
        cwd=folder, env={**fixed, **environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        url = process.stdout.readline().strip()
        assert url, process.stderr.read()
        yield Server(process, url)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not true():
        await asyncio.sleep(0.05)
        assert time.monotonic() < end, f"never came: {what}"


class Page:
    """A page as a client without a browser sees it: what was drawn, and keys."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.drawn = b""
        self.said: list[Any] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.drawn += message.data
            elif message.type is aiohttp.WSMsgType.TEXT:
                self.said.append(json.loads(message.data))

    async def tell(self, *what: Any) -> None:
        """Send a message as textual.js does."""
        await self.socket.send_str(json.dumps(what))

    async def see(self, *texts: str) -> None:
        """Wait until every text was drawn since the last look."""
        await until(lambda: all(text.encode() in self.drawn for text in texts), f"{texts}: {self.drawn[-600:]!r}")
        self.drawn = b""

    async def closed(self) -> None:
        """Wait until the server has closed it."""
        await asyncio.wait_for(self._reading, PATIENCE)


@asynccontextmanager
async def page_of(session: aiohttp.ClientSession, server: Server) -> AsyncIterator[Page]:
    """Open the page and its socket, as a browser with the address does."""
    async with session.get(server.url) as answer:
        assert answer.status == 200
    async with session.ws_connect(f"{server.base}/ws?width=100&height=30", origin=server.base) as socket:
        yield Page(socket)


class Chromium:
    """A browser, driven through its debugging port."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._count = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self.requested: list[str] = []
        self.refused: list[str] = []
        self.drawn = b""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if waiting := self._answers.pop(said.get("id", 0), None):
                waiting.set_result(said.get("result", said))
            params = said.get("params", {})
            if said.get("method") == "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])
            elif said.get("method") == "Network.webSocketCreated":
                self.requested.append(params["url"])
            elif said.get("method") == "Network.webSocketFrameReceived":
                self.drawn += base64.b64decode(
                    params["response"]["payloadData"] if params["response"]["opcode"] == 2 else ""
                )
            elif said.get("method") == "Log.entryAdded":
                self.refused.append(params["entry"]["text"])

    async def do(self, method: str, **params: Any) -> Any:
        """Call a method of the debugging protocol."""
        self._count += 1
        self._answers[self._count] = waiting = asyncio.get_running_loop().create_future()
        await self._socket.send_str(json.dumps({"id": self._count, "method": method, "params": params}))
        return await asyncio.wait_for(waiting, PATIENCE)

    async def value(self, expression: str) -> Any:
        """Evaluate an expression in the page."""
        answer = await self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    async def picture(self) -> bytes:
        """Return a PNG of what is on the screen."""
        return base64.b64decode((await self.do("Page.captureScreenshot", format="png"))["data"])


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Chromium]:
    """Start a Chromium without a window, that asks nobody for anything of its own."""
    assert CHROMIUM is not None
    process = subprocess.Popen(
        [
            CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1200,800",
            "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
            f"--user-data-dir={folder}", "about:blank",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        await until((folder / "DevToolsActivePort").exists, "the debugging port")
        await asyncio.sleep(0.2)
        port = (folder / "DevToolsActivePort").read_text().split()[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                tab = next(one for one in await answer.json() if one["type"] == "page")
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=1 << 26) as socket:
                made = Chromium(socket)
                for domain in ("Network", "Page", "Runtime", "Log"):
                    await made.do(f"{domain}.enable")
                yield made
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
