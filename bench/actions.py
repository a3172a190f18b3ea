"""How long a promotion, its check and the question who was prod take, beside GTO's own commands on the same repository.

    python -m bench actions [--times N] [--tags N]

Needs the oracle environment `dvc` (`python -m tests.oracles dvc`). Each figure is the least wall and CPU time of a
whole process, Python's start included, on a repository with so many assignments of a stage.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import table
from tests import oracles

_WHO = {"GIT_AUTHOR_NAME": "Mira", "GIT_AUTHOR_EMAIL": "mira@x.org", "GIT_COMMITTER_NAME": "Mira"}
_WHO |= {"GIT_COMMITTER_EMAIL": "mira@x.org", "GIT_CONFIG_GLOBAL": os.devnull, "LINEAL_AUTHOR": "Mira <mira@x.org>"}


def _make(root: Path, tags: int) -> None:
    """Make a repository with two registered versions of a model and many assignments of `prod`."""
    root.mkdir()

    def run(*words: str, **more: str) -> None:
        subprocess.run(
            ["git", "-C", str(root), *words], check=True, env={**os.environ, **_WHO, **more}, capture_output=True
        )

    run("init", "-q", "-b", "main")
    (root / "dvc.yaml").write_text("artifacts:\n  churn:\n    path: churn.bin\n    type: model\n")
    for number in (1, 2):
        (root / "churn.bin").write_bytes(b"%d" % number * 1000)
        run("add", "-A")
        run("commit", "-qm", f"train {number}")
        run(
            "tag",
            "-a",
            f"churn@v{number}.0.0",
            "-m",
            "registered",
            GIT_COMMITTER_DATE=f"{1_700_000_000 + number} +0000",
        )
    for number in range(tags):
        when = f"{1_700_000_100 + number * 60} +0000"
        target = f"churn@v{number % 2 + 1}.0.0^{{}}"
        run("tag", "-a", f"churn#prod#{number + 1}", target, "-m", "assigned", GIT_COMMITTER_DATE=when)


def _move(root: Path, tags: int) -> None:
    """Assign prod to the second version."""
    when = {"GIT_COMMITTER_DATE": f"{1_700_000_200 + tags * 60} +0000"}
    words = ["git", "tag", "-a", f"churn#prod#{tags + 1}", "churn@v2.0.0^{}", "-m", "assigned"]
    subprocess.run(words, cwd=root, env={**os.environ, **_WHO, **when}, check=True)


def _spent(command: list[str], cwd: Path, environ: dict[str, str]) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=cwd, env=environ, check=True, capture_output=True)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(argv: list[str]) -> int:
    """Time each question, ours and GTO's in turns, and print the least of each with the ratio."""
    parser = argparse.ArgumentParser(prog="bench actions")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--tags", type=int, default=200)
    options = parser.parse_args(argv)
    if not oracles.ready("dvc"):
        print("needs the oracle environment dvc: python -m tests.oracles dvc", file=sys.stderr)
        return 2
    gto, ours = [str(oracles.python("dvc").with_name("gto"))], [sys.executable, "-m", "lineal"]
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder, "risk"), Path(folder, "home")
        home.mkdir()
        _make(root, options.tags)
        environ = {**os.environ, **_WHO, "HOME": str(home), "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""}
        subprocess.run([*ours, "sync"], cwd=root, env=environ, check=True, capture_output=True)
        questions = {
            "who is prod": ([*ours, "who", "churn@prod"], [*gto, "show", "churn#prod"]),
            "all it was": ([*ours, "who", "churn@prod", "--all"], [*gto, "history", "churn"]),
            "state of all": ([*ours, "ls", "churn"], [*gto, "show"]),
            "move prod": (
                [*ours, "promote", "churn@v1.0.0", "--to", "prod", "--yes"],
                [*gto, "assign", "churn", "--version", "v2.0.0", "--stage", "prod", "--force"],
            ),
        }
        _move(root, options.tags)  # so that ours has something to move
        for name, commands in questions.items():
            found = [[_spent(command, root, environ) for command in commands] for _ in range(options.times)]
            mine, theirs = (min(times) for times in zip(*found, strict=True))
            rows.append([name, *(f"{value:.2f}" for value in (*mine, *theirs)), f"{theirs[0] / mine[0]:.1f}"])
    print(table(["", "lineal wall s", "CPU s", "gto wall s", "CPU s", "times faster"], rows))
    return 0
