"""The git repository `risk-models` with DVC and GTO: months of commits, tags, a rollback, a branch, two experiments."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from lineal.config import Surroundings
from lineal.demo import churn, dvcfiles, gto, scripts, story
from lineal.demo.dvcfiles import Artifact, Stage
from lineal.demo.fastimport import Repository
from lineal.demo.lab import BASE, INIT_SEED, Lab, Made
from lineal.demo.network import Point, Settings
from lineal.demo.place import Place, to_json, to_yaml
from lineal.demo.story import MIRA, OLA, SVEN, Calendar, Person, Release

FOLDER, REMOTE = "risk-models", "dvc-remote"
MAIN = "refs/heads/main"
_TX, _HELD, _CUSTOMERS = "data/transactions.npy", "data/holdout.npy", "data/customers.npy"
_FRAUD, _Q8, _CHURN = "models/fraud.safetensors", "models/fraud-q8.gguf", "models/churn.safetensors"
_CACHED_SINCE = 7  # releases whose bytes are still in the local cache
_QUANTIZED_SINCE = 5
_STEP = 95  # minutes from a change to the commit of what it gave

_TRAIN_STAGE = Stage(
    cmd="python train.py",
    deps=(_HELD, _TX, "train.py"),
    params=tuple(
        f"train.{name}"
        for name in ("batch", "epochs", "gamma", "init", "init_seed", "lr", "seed", "weight_decay", "width")
    ),
    outs=(_FRAUD,),
    metrics=("metrics.json",),
    plots=("plots/training.csv",),
)
_QUANTIZE_STAGE = Stage(cmd="python quantize.py", deps=(_FRAUD, "quantize.py"), outs=(_Q8,))
_CHURN_STAGE = Stage(
    cmd="python churn.py",
    deps=("churn.py", _CUSTOMERS),
    params=("churn.l2",),
    outs=(_CHURN,),
    metrics=("churn/metrics.json",),
)
_ARTIFACTS = {
    "fraud": Artifact(
        path=_FRAUD,
        desc="Scores card payments for fraud",
        labels=("tabular", "fraud"),
        meta={"owner": "payments-risk", "base_model": BASE},
    ),
    "fraud-q8": Artifact(path=_Q8, desc="The fraud scorer in 8 bits, for the terminals", labels=("quantized",)),
    "churn": Artifact(path=_CHURN, desc="Tells which customers leave", labels=("tabular",)),
}
_CHURNS = (("0.1.0", 150.0, 1200, 10.0), ("0.2.0", 100.0, 1200, 100.0), ("0.3.0", 30.0, 2400, 1.0))


class Written(msgspec.Struct, frozen=True):
    """The commits that the other registries speak of: of each release, that of its code."""

    code: dict[int, str]


class History:
    """The repository while it is being written. `files` is the tree in git, `kept` what DVC keeps beside it."""

    def __init__(self, place: Place, lab: Lab, dates: Calendar, around: Surroundings) -> None:
        self._place, self._lab, self._dates = place, lab, dates
        self._git = Repository(place.root / FOLDER, around)
        self._files: dict[str, bytes] = {path: text.encode() for path, text in dvcfiles.FIXED.items()}
        self._kept: dict[str, bytes] = {}
        self._params: dict[str, dict[str, Any]] = {}
        self._tip: tuple[int, ...] = ()
        self._code: dict[int, int] = {}
        self._results: dict[str, int] = {}  # "fraud@2.0.0" -> mark
        self._bytes: dict[bytes, tuple[bool, bool]] = {}  # -> in the cache, in the remote

    def write(self) -> Written:
        """Write the repository, its cache and its remote."""
        self._git.create()
        self._begin()
        for _, step in sorted(self._steps(), key=lambda pair: -pair[0]):
            step()
        self._branch()
        for tag in gto.tags(self._dates):
            self._git.tag(tag.name, self._results[tag.commit], tag.who, tag.at, tag.message)
        self._git.flush()
        self._experiments()
        self._git.check_out()
        self._store()
        return Written({number: self._git.id_of(mark) for number, mark in self._code.items()})

    def _steps(self) -> list[tuple[float, Callable[[], None]]]:
        steps: list[tuple[float, Callable[[], None]]] = [
            (release.days, partial(self._release, release)) for release in story.RELEASES
        ]
        return steps + [(version[1], partial(self._churn, *version)) for version in _CHURNS]

    def _begin(self) -> None:
        self._files["README.md"] = (
            b"# risk-models\n\nModels of the payments-risk team: `dvc repro` trains, `gto` releases.\n"
        )
        self._files["quantize.py"] = scripts.QUANTIZE.encode()
        self._files["churn.py"] = scripts.CHURN.encode()
        self._data(_HELD, self._lab.held_file)
        self._commit("Start the repository: DVC, a remote, the hold-out set", MIRA, self._dates.ago(170))

    def _commit(self, message: str, who: Person, at: int, *, ref: str = MAIN, merge: int = 0) -> int:
        parents = (*self._tip, merge) if merge else self._tip
        mark = self._git.commit(ref, self._files, who, at, message + "\n", parents)
        self._tip = (mark,)
        return mark

    def _data(self, path: str, data: bytes) -> None:
        """Put a data set under DVC, by a pointer beside it."""
        self._kept[path] = data
        self._files[f"{path}.dvc"] = dvcfiles.pointer(data, path.rpartition("/")[2]).encode()
        self._remember(data, cached=path == _HELD)

    def _remember(self, data: bytes, *, cached: bool, pushed: bool = True) -> None:
        was = self._bytes.get(data, (False, False))
        self._bytes[data] = (was[0] or cached, was[1] or pushed)

    def _release(self, release: Release) -> None:
        at = self._dates.ago(release.days)
        self._change(release)
        if release.settings.gamma:
            side = self._git.commit(
                "refs/heads/focal-loss", self._files, release.author, at - 7200, release.why + "\n", self._tip
            )
            self._code[release.number] = self._commit("Merge focal-loss", release.author, at, merge=side)
        else:
            self._code[release.number] = self._commit(release.why, release.author, at)
        made = self._lab.release(release.number)
        pushed = release.number != story.LOST
        self._result(made, cached=release.number >= _CACHED_SINCE, pushed=pushed, number=release.number)
        message = f"Train {release.semver} on {self._dates.week(release)}: auc {made.metrics['auc']:.4f}"
        mark = self._commit(message, release.author, at + _STEP * 60)
        self._results[f"fraud@{release.semver}"] = mark

    def _change(self, release: Release) -> None:
        """Put code, data, parameters and requirements as a release wants them."""
        settings = release.settings
        self._params["train"] = _params(release, settings)
        self._files["train.py"] = scripts.train(decays=settings.weight_decay > 0, focal=settings.gamma > 0).encode()
        self._files["requirements.txt"] = requirements(release.stack).encode()
        self._files["environment.yaml"] = to_yaml(
            {
                "name": "risk-models",
                "channels": ["conda-forge"],
                "dependencies": [f"python={release.stack.python}", "pip", {"pip": ["-r requirements.txt"]}],
            }
        ).encode()
        self._data(_TX, self._lab.data_file(release))
        self._write_params()

    def _write_params(self) -> None:
        self._files["params.yaml"] = to_yaml(self._params).encode()

    def _result(self, made: Made, *, cached: bool, pushed: bool, number: int = 0) -> None:
        """Put what the stages gave: the model, its 8-bit child, metrics, the curve, and the lock."""
        self._kept[_FRAUD] = made.data
        self._remember(made.data, cached=cached, pushed=pushed)
        if number >= _QUANTIZED_SINCE:
            self._kept[_Q8] = self._lab.quantised(number)[0]
            self._remember(self._kept[_Q8], cached=cached, pushed=pushed)
        self._files["metrics.json"] = to_json(made.metrics).encode()
        self._files["plots/training.csv"] = curve_csv(made.curve).encode()
        self._lock()

    def _lock(self) -> None:
        stages = {"train": _TRAIN_STAGE} if _FRAUD in self._kept else {}
        if _Q8 in self._kept:
            stages["quantize"] = _QUANTIZE_STAGE
        if _CHURN in self._kept:
            stages["churn"] = _CHURN_STAGE
        models = {name: artifact for name, artifact in _ARTIFACTS.items() if artifact.path in self._kept}
        self._files["dvc.yaml"] = dvcfiles.pipeline(stages, models).encode()
        flat = {f"{part}.{key}": value for part, values in self._params.items() for key, value in values.items()}
        self._files["dvc.lock"] = dvcfiles.lock(stages, self._files | self._kept, flat).encode()

    def _churn(self, semver: str, days: float, rows: int, l2: float) -> None:
        model = churn.fit(rows, l2)
        self._data(_CUSTOMERS, model.customers)
        self._params["churn"] = {"l2": l2}
        self._write_params()
        self._kept[_CHURN] = model.data
        self._remember(model.data, cached=days < 50)
        self._files["churn/metrics.json"] = to_json(model.metrics).encode()
        self._lock()
        message = f"Fit churn {semver} to {rows} customers, ridge {l2:g}"
        self._results[f"churn@{semver}"] = self._commit(message, SVEN, self._dates.ago(days, 15))

    def _branch(self) -> None:
        """Leave a branch that was never merged: the last release with more weight decay."""
        before = (dict(self._files), dict(self._kept), dict(self._params), self._tip)
        settings = Settings(lr=3e-4, epochs=10, weight_decay=0.2)
        self._params["train"] = _params(story.RELEASES[-1], settings)
        self._write_params()
        self._result(self._lab.variant(settings), cached=True, pushed=False, number=0)
        message = "Try ten times the weight decay"
        self._commit(message, OLA, self._dates.ago(1.5), ref="refs/heads/more-decay")
        self._files, self._kept, self._params, self._tip = before

    def _experiments(self) -> None:
        """Save two experiments on the head of main, as `dvc exp run` does: below the id of their base."""
        base = self._tip
        folder = self._git.id_of(base[0])
        settings = {"hot-lr": (Settings(lr=1e-2, epochs=10, weight_decay=0.05), 0)}
        settings["wide-128"] = (Settings(lr=2e-3, epochs=14, weight_decay=0.05), 128)
        for hour, (name, (chosen, width)) in enumerate(settings.items()):
            before = (dict(self._files), dict(self._kept), dict(self._params))
            self._params["train"] = _params(story.RELEASES[-1], chosen, width=width)
            self._write_params()
            self._result(self._lab.variant(chosen, width=width), cached=True, pushed=False)
            ref = f"refs/exps/{folder[:2]}/{folder[2:]}/{name}"
            self._tip = base
            self._commit(f"dvc: commit experiment {name}", MIRA, self._dates.ago(1, 60 * hour), ref=ref)
            self._files, self._kept, self._params = before
        self._tip = base
        self._git.flush()

    def _store(self) -> None:
        """Put bytes where they are: in the cache (read-only, as DVC keeps them), the remote and the work tree."""
        at = self._dates.ago(0.5)
        for path, data in self._kept.items():
            self._remember(data, cached=True)
            self._place.write(f"{FOLDER}/{path}", data, at)
        for data, (cached, pushed) in self._bytes.items():
            path = dvcfiles.store_path(dvcfiles.md5(data))
            if cached:
                self._place.write(f"{FOLDER}/.dvc/cache/{path}", data, at).chmod(0o444)
            if pushed:
                self._place.write(f"{REMOTE}/{path}", data, at).chmod(0o444)


def _params(release: Release, settings: Settings, *, width: int = 0) -> dict[str, Any]:
    return {
        "init": BASE if width else initial(release),
        "width": width or release.width,
        "lr": settings.lr,
        "epochs": settings.epochs,
        "batch": settings.batch,
        "weight_decay": settings.weight_decay,
        "gamma": settings.gamma,
        "seed": settings.seed,
        "init_seed": INIT_SEED,
    }


def initial(release: Release) -> str:
    """Return what a release began with: an earlier release, or the base model."""
    return f"fraud@v{story.released(release.parent).semver}" if release.parent else BASE


def requirements(stack: story.Stack) -> str:
    """Return a requirements.txt."""
    return "".join(f"{name}=={version}\n" for name, version in stack.requirements().items())


def curve_csv(curve: list[Point]) -> str:
    """Return a training's curve as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("step", "train_loss", "val_loss", "val_auc"))
    writer.writerows((point.step, point.train_loss, point.val_loss, point.val_auc) for point in curve)
    return out.getvalue()
