"""Loopback servers that answer as a test says, down to single bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec


class Asked(msgspec.Struct, frozen=True):
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]  # names in lower case
    body: bytes = b""


Answer = Callable[[Asked, socket.socket], None]


class Web:
    """A running server: its URL and what was asked of it."""

    def __init__(self, answer: Answer, address: str) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self._listener = socket.create_server((address, 0))
        self.url = f"http://{address}:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), connection, connection.makefile("rb") as stream:
            while (asked := _read(stream)) is not None:
                self.asked.append(asked)
                self.answer(asked, connection)

    def close(self) -> None:
        """Stop, and cut every connection."""
        self._closing = True
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _read(stream: object) -> Asked | None:
    line = stream.readline()  # type: ignore[attr-defined]
    if not line:
        return None
    method, target, _ = line.decode().split(" ")
    headers: dict[str, str] = {}
    while (line := stream.readline().decode().strip()) != "":  # type: ignore[attr-defined]
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))  # type: ignore[attr-defined]
    return Asked(method, target, headers, body)


def reply(body: bytes, status: int = 200, **headers: str) -> bytes:
    """Return a whole HTTP reply; `Content_Type` stands for Content-Type."""
    lines = {"Content-Length": str(len(body)), "Content-Type": "application/json"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


@contextmanager
def web(answer: Answer, address: str = "127.0.0.1") -> Iterator[Web]:
    """Run a server whose every request is answered by `answer`."""
    server = Web(answer, address)
    try:
        yield server
    finally:
        server.close()


def always(data: bytes) -> Answer:
    """Answer everything with the same bytes."""
    return lambda asked, connection: connection.sendall(data)


def in_turn(*answers: bytes) -> Answer:
    """Answer with one reply after another; the last one for ever. Empty bytes cut the connection."""
    left = list(answers)

    def answer(asked: Asked, connection: socket.socket) -> None:
        data = left.pop(0) if len(left) > 1 else left[0]
        if data:
            connection.sendall(data)
        else:
            connection.shutdown(socket.SHUT_RDWR)

    return answer
