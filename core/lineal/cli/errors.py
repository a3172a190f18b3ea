"""The one place that turns errors into words on stderr and exit codes."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from lineal.errors import Error, QueryError
from lineal.model.text import visible, visible_lines

if TYPE_CHECKING:
    import click

INTERRUPTED = 130
BUG = 70
FULL = 8


def guarded(run: Callable[[], int]) -> int:
    """Run a command; say what went wrong in one sentence with a hint, and return the exit code that belongs to it."""
    try:
        code = run()
        sys.stdout.flush()  # here, where a reader that went away can still be told from a bug
        return code
    except Error as e:
        explain(e)
        return e.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("lineal: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away: `lineal ls | head`
        _forget_output()
        return 0
    except OSError as e:
        if e.errno not in (errno.ENOSPC, errno.EDQUOT):
            _report(e)
            return BUG
        _forget_output()
        sys.stderr.write(
            "lineal: no space left on the disk that the output goes to\nhint: free some, or write elsewhere\n"
        )
        return FULL
    except Exception as e:  # the outermost boundary: what is left is a bug, and its traceback is worth keeping
        _report(e)
        return BUG


def _forget_output() -> None:
    """Send what is still buffered nowhere, or Python would complain of it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain(error: Error) -> None:
    """Print an error with its hint; one in a query shows the query with the wrong word underlined."""
    sys.stderr.write(f"lineal: {visible(error.message)}\n")
    if isinstance(error, QueryError) and error.query:
        sys.stderr.write(f"  {visible(error.query)}\n")
        start = len(visible(error.query[: error.start]))
        width = max(1, len(visible(error.query[error.start : error.end])))
        sys.stderr.write(f"  {' ' * start}{'^' * width}\n")
    if error.hint:
        sys.stderr.write(f"hint: {visible(error.hint)}\n")


def explain_usage(error: click.ClickException) -> None:
    """Print what click says of a command line, in which what was typed may be anything that was pasted."""
    words = io.StringIO()
    error.show(words)
    sys.stderr.write(visible_lines(words.getvalue()) + "\n")


def _report(error: Exception) -> None:
    from lineal.cli.crash import report  # its patterns take milliseconds, and are for bugs only

    report(error)
