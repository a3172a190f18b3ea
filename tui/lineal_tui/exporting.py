"""What is on a screen written into a file: by the command line that shows the same, or the screen as a picture."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from lineal.errors import Error
from lineal_tui.running import Running
from lineal_tui.saying import Said
from lineal_tui.spoken import Words

FORMS = ("md", "json", "csv")
SVG = "svg"
_COMPLAINT = 4_000  # bytes kept of what a command says when it goes wrong
_SPEAKS = "lineal: "
_WIDTH = 400
_FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)


class Export(Struct, frozen=True):
    """What is to be written: the output of a command in a form, or a picture that is at hand. `name`: of the file."""

    what: str
    form: str
    name: str
    words: Words = ()
    picture: str = ""

    @property
    def command(self) -> Words:
        """Return what is typed behind `lineal`: the index as it stands, in this form."""
        return ("--no-sync", *self.words[0].split(), "--format", self.form, *self.words[1:])


class ExportWanted(Said):
    """Ask where to write it, and write it."""

    export: Export


def picture(svg: str) -> str:
    """Return a picture that asks no other host for a font."""
    return _FONT.sub("", svg)


def file_name(*parts: str) -> str:
    """Return a file's name out of foreign names."""
    said = "-".join(part for part in parts if part)
    return re.sub(r"[^\w.-]+", "-", said, flags=re.ASCII).strip("-.")[:100] or "lineal"


def free(folder: Path, name: str, form: str) -> Path:
    """Return the first of NAME.md, NAME-2.md ... that is not there."""
    found = folder / f"{name}.{form}"
    at = 1
    while os.path.lexists(found) and at < 1000:
        at += 1
        found = folder / f"{name}-{at}.{form}"
    return found


async def write(export: Export, file: Path, running: Running) -> int:
    """Write the whole of it or nothing, and over nothing; return the number of bytes.

    Raises:
        Error: the file is there, cannot be written, or the command failed or was stopped.
    """
    with _whole(file) as (handle, keep):
        if export.form == SVG:
            await asyncio.to_thread(_put, handle, picture(export.picture).encode(errors="backslashreplace"))
        else:
            await _run(export, handle, running)
        size = os.fstat(handle).st_size
        await asyncio.to_thread(os.fsync, handle)
        keep()
    return size


def _put(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


async def _run(export: Export, handle: int, running: Running) -> None:
    said = bytearray()
    code = await running.run(export.command, _WIDTH, lambda part: said.extend(part[: _COMPLAINT - len(said)]), handle)
    if running.stopped:
        raise Error("it was stopped, and nothing is written")
    if code:
        complaint = next((line for line in said.decode(errors="replace").splitlines() if line.startswith(_SPEAKS)), "")
        raise Error(complaint.removeprefix(_SPEAKS) or f"the command ended with exit code {code}")


@contextmanager
def _whole(file: Path) -> Iterator[tuple[int, Callable[[], None]]]:
    """Give a new file beside the one that is wanted, and what gives it that name; without that nothing stays."""
    try:
        if os.path.lexists(file):
            raise _taken(file)
        part = file.parent / f".lineal-{secrets.token_hex(6)}.part"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except (OSError, ValueError) as error:
        raise _cannot(error) from error
    try:
        yield handle, lambda: _name(part, file)
    except (OSError, ValueError) as error:
        raise _cannot(error) from error
    finally:
        os.close(handle)
        with contextlib.suppress(OSError):
            part.unlink()


def _name(part: Path, file: Path) -> None:
    """Give the file its name, if that is still free."""
    try:
        os.link(part, file)
    except FileExistsError:
        raise _taken(file) from None
    except OSError:  # a file system without links: the name is taken first, then it is the file's
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
        part.replace(file)


def _taken(file: Path) -> Error:
    return Error(f"there is a {file.name} already", hint="choose another name: nothing is written over")


def _cannot(error: OSError | ValueError) -> Error:
    why = getattr(error, "strerror", None) or str(error)
    hint = "make the folder first" if isinstance(error, FileNotFoundError) else "choose another place"
    return Error(f"it cannot be written: {why}", hint=hint)
