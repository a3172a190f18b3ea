"""A workspace to act in: a native store with versions of `churn`, a git repository with GTO's tags, and a policy."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lineal.actions.desk import Desk
from lineal.config import Surroundings, load
from lineal.model.listing import VersionRow
from lineal.model.values import Metric, Param, Tag
from lineal.model.version import Code, Dataset, Environment, Package
from lineal.registries.native import trees
from lineal.registries.native.shelf import Said
from lineal.sync import sync
from lineal.workspace import Workspace

NOW = 1_790_000_000.0
DAY = 86_400.0
ENVIRONMENT = Environment(python="3.12.4", packages=(Package("torch", "2.4.1"),))


class Bench:
    """A folder with a workspace, people who work in it, and a clock that stands until it is moved."""

    def __init__(self, folder: Path, policy: str = "") -> None:
        self.folder = folder / "work"
        self.folder.mkdir(parents=True)
        self.home = folder / "home"
        self.home.mkdir()
        self.now = NOW
        self.who = "mira <mira@example.com>"
        self.environ: dict[str, str] = {"PATH": os.environ["PATH"]}
        self.policy(policy)

    def policy(self, text: str) -> None:
        """Write lineal.toml, which never looks beyond this folder."""
        (self.folder / "lineal.toml").write_text(text)

    def around(self) -> Surroundings:
        """Return the surroundings of whoever works now."""
        environ = {**self.environ, "LINEAL_AUTHOR": self.who}
        return Surroundings(self.folder, self.home, environ, lambda: self.now)

    def work(self) -> Workspace:
        """Open the workspace."""
        around = self.around()
        return Workspace(load(around), around)

    def commit(self, auc: float, *, model: str = "churn", text: str = "", **said: object) -> str:
        """Commit a version of a model and return its id."""
        file = self.folder / "out" / "weights.bin"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes((text or f"{model} {auc}").encode() * 50)
        fields: dict[str, object] = {
            "metrics": (Metric("auc", auc, dataset=""), Metric("loss", 1 - auc)),
            "params": (Param("lr", auc / 100),),
            "environment": ENVIRONMENT,
            "datasets": (Dataset(name="rows", digest="d1"),),
            "code": Code(repository="https://example.com/r", commit="a" * 40, dirty=False),
            "tags": (Tag("owner", "mira"),),
        }
        with self.work() as work, work.shelf(create=True) as shelf:
            made = shelf.commit(trees.read([file]), Said(**(fields | said)), kind="model", name=model)  # type: ignore[arg-type]
        self.now += 60
        return made.id

    @contextmanager
    def desk(self, who: str = "", *, synced: bool = True) -> Iterator[Desk]:
        """Give the desk of a workspace that was just synced."""
        self.who = who or self.who
        with self.work() as work:
            if synced:
                self.sync(work)
            desk = Desk(work)
            try:
                yield desk
            finally:
                desk.close()

    def sync(self, work: Workspace) -> None:
        """Bring the index up to date."""
        sync(work.specs, work.around, work.index_url, fingerprint=False)

    def git(self, *words: str, where: str = "risk", at: float | None = None) -> str:
        """Run git in a repository of the workspace."""
        when = f"{at if at is not None else self.now:.0f} +0000"
        environ = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Ola",
            "GIT_AUTHOR_EMAIL": "ola@example.com",
            "GIT_COMMITTER_NAME": "Ola",
            "GIT_COMMITTER_EMAIL": "ola@example.com",
            "GIT_AUTHOR_DATE": when,
            "GIT_COMMITTER_DATE": when,
        }
        done = subprocess.run(
            ["git", "-C", str(self.folder / where), *words], env=environ, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def repository(self, versions: int = 2) -> list[str]:
        """Make a repository `risk` in which GTO registered versions of `churn`; return their commits."""
        (self.folder / "risk").mkdir()
        self.git("init", "-q", "-b", "main")
        commits = []
        for number in range(1, versions + 1):
            self.now += 60
            data = f"weights {number}".encode() * 40
            md5 = hashlib.md5(data).hexdigest()
            cached = self.folder / "risk" / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
            cached.parent.mkdir(parents=True, exist_ok=True)
            cached.write_bytes(data)
            (self.folder / "risk" / ".dvc" / "config").write_text("")
            (self.folder / "risk" / ".gitignore").write_text("/.dvc/cache\n/churn.bin\n")
            track = f"outs:\n- md5: {md5}\n  size: {len(data)}\n  hash: md5\n  path: churn.bin\n"
            (self.folder / "risk" / "churn.bin.dvc").write_text(track)
            artifacts = "artifacts:\n  churn:\n    path: churn.bin\n    type: model\n"
            (self.folder / "risk" / "dvc.yaml").write_text(artifacts)
            self.git("add", "-A")
            self.git("commit", "-qm", f"train {number}")
            commits.append(self.git("rev-parse", "HEAD"))
            self.git("tag", "-a", f"churn@v{number}.0.0", "-m", "registered")
        self.now += 60
        return commits


def held(desk: Desk, model: str, alias: str, registry: str = "store") -> str:
    """Return the name of the version that an alias holds by its registry, now; "" for none."""
    from lineal.model.changes import SetAlias
    from lineal.model.records import AliasKind

    kind = AliasKind.STAGE if registry == "risk" else AliasKind.ALIAS
    change = SetAlias(registry=registry, model=model, alias=alias, kind=kind)
    now = desk.work.registry(registry).current(change)
    assert isinstance(now, SetAlias)
    row = desk.find(registry, model, now.before)
    return row.name if row else now.before


def version(desk: Desk, reference: str) -> VersionRow:
    """Return a version as the index has it."""
    return desk.work.version(reference)
