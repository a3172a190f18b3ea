"""Running the command line: in this process, in one of its own, or on a terminal, each with a home of its own."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from lineal import cli

ROOT = Path(__file__).parents[2]
# The first of a session's processes takes the terminal, so that ^C there is a signal, then becomes the command.
TAKE = """import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"""
LIMIT = 120.0  # seconds after which a command on a terminal is taken for hung


class Said(NamedTuple):
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the variables of a process that finds nothing but `home`; git reads no configuration of the machine."""
    fixed = {"LC_ALL": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONWARNINGS": "error", **fixed, **more}


def inside(*words: str, cwd: Path, home: Path, environ: Mapping[str, str]) -> Said:
    """Run a command in this process and capture what it writes."""
    out, err = io.StringIO(newline=""), io.StringIO(newline="")
    with (
        mock.patch.dict(os.environ, environment(home, **environ), clear=True),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = cli.main(words)
    return Said(code, out.getvalue(), err.getvalue())


def start(*words: str, cwd: Path, home: Path, **environ: str) -> subprocess.Popen[str]:
    """Start a command as a process of its own, with pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "lineal", *words],
        cwd=cwd,
        env=environment(home, **environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def apart(*words: str, cwd: Path, home: Path, **environ: str) -> Said:
    """Run a command as a process of its own, with pipes."""
    process = start(*words, cwd=cwd, home=home, **environ)
    out, err = process.communicate(timeout=LIMIT)
    return Said(process.returncode, out, err)


def on_terminal(
    *words: str,
    cwd: Path,
    home: Path,
    program: tuple[str, ...] = ("-m", "lineal"),
    watch: Callable[[bytes, int], None] | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Run a command on a terminal of its own, 200x50, and return its exit code and every byte it sent there.

    `watch` is called with what was sent so far, and the terminal to type on.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE, *program, *words],
        cwd=cwd,
        env=environment(home, TERM="xterm-256color", **(environ or {})),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        sent = _all(ours, process, watch)
    finally:
        os.close(ours)
        if process.poll() is None:
            process.kill()
    return process.wait(), sent


def _all(terminal: int, process: subprocess.Popen[bytes], watch: Callable[[bytes, int], None] | None) -> bytes:
    sent, end = b"", time.monotonic() + LIMIT
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.2)[0]:
            if process.poll() is not None:
                return sent
            continue
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # Linux says so once the other end is closed
            return sent
        if not data:
            return sent
        sent += data
        if watch is not None:
            watch(sent, terminal)
    raise AssertionError(f"still running after {LIMIT:.0f} s: {sent[-500:]!r}")
