"""A repository that DVC, GTO and git made: a pipeline, `dvc add`, `dvc import`, experiments, stages, a merge."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.sources.dvc import START, Repo, dvc_yaml, tool

TRAIN = """\
import json
import pathlib

from ruamel.yaml import YAML

params = YAML(typ="safe").load(pathlib.Path("params.yaml"))
lr, depth = params["lr"], params["model"]["depth"]
data = pathlib.Path("data/train.csv").read_text()
pathlib.Path("models").mkdir(exist_ok=True)
pathlib.Path("models/net.pt").write_text(f"{lr} {depth} {len(data)}")
pathlib.Path("metrics.json").write_text(json.dumps({"loss": lr / depth, "eval": {"acc": 0.5 + lr, "n": depth}}))
pathlib.Path("kept.json").write_text(json.dumps({"kept_f1": lr * 2}))
pathlib.Path("curve.csv").write_text("step,loss\\n" + "".join(f"{i},{lr / (i + 1)}\\n" for i in range(5)))
"""
QUANTIZE = """\
import pathlib
pathlib.Path("models/q8").mkdir(parents=True, exist_ok=True)
pathlib.Path("models/q8/net.bin").write_text("q8 " + pathlib.Path("models/net.pt").read_text())
pathlib.Path("models/q8/scales.txt").write_text("1 2 3")
"""
PARAMS = "lr: {lr}\nmodel:\n  depth: {depth}\n  name: yes\nseed: 0o17\nlimit: 1_000\nflags: [1, on, 2e3]\n"
PIPELINE = {
    "stages": {
        "train": {
            "cmd": "python train.py",
            "deps": ["data/train.csv", "models/base.pt"],
            "params": ["lr", "model"],
            "outs": ["models/net.pt"],
            "metrics": [{"metrics.json": {"cache": False}}, "kept.json"],
            "plots": [{"curve.csv": {"cache": False}}],
        },
        "quantize": {
            "cmd": "python quantize.py",
            "deps": ["models/net.pt"],
            "outs": ["models/q8"],
        },
    },
    "artifacts": {
        "net": {
            "path": "models/net.pt",
            "type": "model",
            "desc": "The net",
            "labels": ["small"],
            "meta": {"owner": "a"},
        },
        "net-q8": {"path": "models/q8", "type": "model"},
    },
}


class Made(msgspec.Struct, frozen=True):
    """What was made: the repository, its remote, and the repository that it imports from."""

    repo: Path
    remote: Path
    donor: Path
    base: str  # the donor's commit
    commits: dict[str, str]  # what happened: commit


class _Maker:
    """Runs tools in one repository, a minute of git's time apart."""

    def __init__(self, python: Path, folder: Path, home: Path) -> None:
        self.python, self.folder, self.home, self.at = python, folder, home, START
        Repo(folder)
        self.tool("dvc", "init")

    def tool(self, name: str, *arguments: str) -> str:
        self.at += 60
        return tool(self.python, name, *arguments, cwd=self.folder, home=self.home, at=self.at)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def commit(self, message: str) -> str:
        self.tool("git", "add", "-A")
        self.tool("git", "commit", "-q", "-m", message)
        return self.tool("git", "rev-parse", "HEAD").strip()


def make(python: Path, folder: Path) -> Made:
    """Let the tools of the environment of `python` make everything below `folder`. Takes about half a minute."""
    home, remote, donor = folder / "home", folder / "store", folder / "donor"
    given = _Maker(python, donor, home)
    given.write("models/base.pt", "a base model")
    given.tool("dvc", "add", "models/base.pt")
    base = given.commit("A base")
    maker = _Maker(python, folder / "repo", home)
    maker.tool("dvc", "remote", "add", "-d", "store", str(remote))
    commits = _history(maker, donor)
    _releases(maker)
    return Made(maker.folder, remote, donor, base, commits)


def _history(maker: _Maker, donor: Path) -> dict[str, str]:
    commits = {}
    maker.write("data/train.csv", "a,b\n1,2\n")
    maker.tool("dvc", "add", "data/train.csv")
    (maker.folder / "models").mkdir()
    maker.tool("dvc", "import", str(donor), "models/base.pt", "-o", "models/base.pt")
    maker.write("train.py", TRAIN)
    maker.write("quantize.py", QUANTIZE)
    maker.write("requirements.txt", "numpy==2.1.0\n")
    maker.write("dvc.yaml", dvc_yaml(**PIPELINE))
    commits["imported"] = maker.commit("Import a base")
    for lr, depth, message in (("1e-4", 3, "first"), ("5.0E-1", 3, "second")):
        maker.write("params.yaml", PARAMS.format(lr=lr, depth=depth))
        maker.tool("dvc", "repro")
        commits[message] = maker.commit(message)
    maker.tool("dvc", "push", "-A")
    maker.tool("git", "checkout", "-q", "-b", "side/deeper", commits["first"])
    maker.tool("dvc", "checkout")
    maker.write("params.yaml", PARAMS.format(lr="1e-4", depth=8))
    maker.tool("dvc", "repro")
    commits["side"] = maker.commit("Deeper")
    maker.tool("git", "checkout", "-q", "main")
    maker.tool("git", "merge", "-q", "-s", "ours", "-m", "Keep ours", "side/deeper")
    maker.tool("dvc", "checkout")
    maker.tool("dvc", "exp", "run", "-n", "hot", "-S", "lr=0.75")
    maker.write("params.yaml", PARAMS.format(lr="0.25", depth=3))
    maker.tool("dvc", "exp", "save", "-n", "saved")
    maker.tool("git", "checkout", "-q", "-f", "main")
    maker.tool("dvc", "checkout")
    return commits


def _releases(maker: _Maker) -> None:
    maker.tool("gto", "register", "net", "main~1", "--version", "v0.1.0")
    maker.tool("gto", "register", "net", "side/deeper", "--version", "v0.2.0-rc.1")
    maker.tool("gto", "assign", "net", "main~1", "--stage", "prod")
    maker.tool("gto", "assign", "net", "side/deeper", "--stage", "dev")
    maker.tool("git", "tag", "paper", "main")
