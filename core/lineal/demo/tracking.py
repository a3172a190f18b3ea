"""What the laboratory logged to MLflow: the scorer's releases, its distilled children, a sweep over learning rates.

The first four releases were logged by MLflow 2 (the model is an artifact of its run), the later ones by MLflow 3 (the
model is an entity of its own).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lineal.demo import story
from lineal.demo.dvcfiles import md5, store_path
from lineal.demo.lab import BASE, Lab, Made, parameters
from lineal.demo.mlruns import FAILED, RUNNING, DatasetInput, History, RunFacts, Store
from lineal.demo.network import Point
from lineal.demo.place import Place, to_yaml
from lineal.demo.repository import REMOTE, Written, initial, requirements
from lineal.demo.story import OLA, SVEN, Calendar, Person, Release, Stack
from lineal.demo.weights import onnx
from lineal.demo.world import FEATURES

_SCORER, _EDGE, _SWEEP = "417283956120045871", "638201957733410296", "905517204486632017"
_LOGGED_SINCE = 5  # the first release that MLflow 3 logged
_SECONDS = 1.7  # of a training step, as the clock of the story goes
_TEACHERS = (5, 8)


class Tracking:
    """Writes the MLflow store of the demo."""

    def __init__(self, place: Place, lab: Lab, dates: Calendar, written: Written) -> None:
        self._place, self._lab, self._dates, self._written = place, lab, dates, written
        self._store = Store(place)
        self._models: dict[int, str] = {}  # ids of logged models, by release
        self._runs: dict[int, RunFacts] = {}

    def write(self) -> None:
        """Write everything."""
        self._store.experiment("0", "Default", self._dates.ago(175))
        self._store.experiment(_SCORER, "fraud-scorer", self._dates.ago(170), "Releases of the fraud scorer.")
        for release in story.RELEASES:
            self._release(release)
        self._register()
        self._store.experiment(_EDGE, "edge-distillation", self._dates.ago(75))
        self._students()
        self._store.experiment(_SWEEP, "lr-sweep", self._dates.ago(24))
        self._sweep()

    def _release(self, release: Release) -> None:
        made = self._lab.release(release.number)
        started = self._dates.ago(release.days, 20)
        facts = RunFacts(
            experiment=_SCORER,
            seed=f"fraud {release.semver}",
            name=f"fraud-{release.semver}",
            user=release.author.user,
            started=started,
            ended=_end(started, made),
            params={
                **_params(made, release.width),
                "init": initial(release),
                "loss": "focal" if release.settings.gamma else "bce",
            },
            tags=self._tags(release.stack, self._written.code[release.number], "train.py"),
            metrics=_histories(made, started) | _machine(made, started),
            datasets=self._datasets(release),
            models_in=(self._models[release.parent],) if release.parent in self._models else (),
        )
        folder = self._store.run(facts)
        self._runs[release.number] = facts
        files = {"model.safetensors": made.data} | _surroundings(release.stack, facts, "model.safetensors")
        if release.number >= _LOGGED_SINCE:
            self._models[release.number] = self._store.logged_model(facts, "fraud-scorer", made.metrics, files)
        else:
            below = {f"model/{path}": data for path, data in files.items()}
            self._store.artifacts(folder, below, facts.ended or started)

    def _tags(self, stack: Stack, commit: str, script: str) -> dict[str, str]:
        return {
            "mlflow.source.name": script,
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": commit,
            "mlflow.source.git.repoURL": "git@git.fraud-lab.example:risk/risk-models.git",
            "mlflow.source.git.branch": "main",
            "hardware.gpu": stack.gpu,
            "hardware.gpu_count": "1",
            "nvidia.driver": stack.driver,
            "cuda.version": stack.cuda,
        }

    def _datasets(self, release: Release) -> tuple[DatasetInput, ...]:
        data = self._lab.data_file(release)
        train = self._dataset(self._dates.week(release), data, "training", release.rows)
        return (train, self._dataset("holdout", self._lab.held_file, "validation", len(self._lab.held.labels)))

    def _dataset(self, name: str, data: bytes, context: str, rows: int) -> DatasetInput:
        source = self._place.root / REMOTE / store_path(md5(data))
        return DatasetInput(
            name=name, digest=md5(data)[:8], context=context, source=source.as_uri(), rows=rows, columns=FEATURES
        )

    def _register(self) -> None:
        """Register every release, and copy the one in production to a model of its own, as a promotion."""
        self._store.registered_model(
            "fraud-scorer",
            "Scores card payments for fraud.",
            self._dates.ago(2.5),
            {"champion": 8, "challenger": 9, "baseline": 5},
            {"owner": "payments-risk", "task": "binary-classification"},
        )
        for release in story.RELEASES:
            tags = {"validation": "failed" if release.arrived < 1 else "passed", "dvc": f"fraud@v{release.semver}"}
            self._store.model_version(
                "fraud-scorer",
                release.number,
                self._runs[release.number],
                self._dates.ago(release.days, 150),
                model=self._models.get(release.number, ""),
                stage="Archived" if release.number < _LOGGED_SINCE else "None",
                description=release.why,
                tags=tags,
            )
        at = self._dates.ago(17, 5)
        self._store.registered_model("prod.fraud-scorer", "What the payment gateway runs.", at, {"live": 1}, {})
        copied = "models:/fraud-scorer/8"
        self._store.model_version("prod.fraud-scorer", 1, self._runs[8], at, model=self._models[8], source=copied)

    def _students(self) -> None:
        """Log the distilled networks for the terminals, as ONNX with the weights beside it."""
        for version, teacher in enumerate(_TEACHERS, start=1):
            release, made = story.released(teacher), self._lab.student(teacher)
            started = self._dates.ago(release.days - 4)
            facts = RunFacts(
                experiment=_EDGE,
                seed=f"edge {version}",
                name=f"edge-from-{release.semver}",
                user=SVEN.user,
                started=started,
                ended=_end(started, made),
                params={**_params(made, 32), "teacher": f"models:/fraud-scorer/{teacher}", "init": "none"},
                tags=self._tags(release.stack, self._written.code[teacher], "distil.py"),
                metrics=_histories(made, started),
                datasets=self._datasets(release),
                models_in=(self._models[teacher],),
            )
            self._store.run(facts)
            graph = onnx(made.weights, {"teacher": f"fraud-scorer/{teacher}", "base_model": BASE})
            files = {"model.onnx": graph, "model.safetensors": made.data}
            files |= _surroundings(release.stack, facts, "model.onnx")
            model = self._store.logged_model(facts, "fraud-scorer-edge", made.metrics, files)
            tags = {"distilled_from": f"fraud-scorer/{teacher}"}
            at = self._dates.ago(release.days - 4, 60)
            self._store.model_version("fraud-scorer-edge", version, facts, at, model=model, tags=tags)
        at = self._dates.ago(16)
        self._store.registered_model("fraud-scorer-edge", "A third as wide, for terminals.", at, {"champion": 2}, {})

    def _sweep(self) -> None:
        """Log a sweep: a parent run, a child for each rate, one that crashed and one that still runs."""
        parent = self._sweep_run("sweep", self._dates.ago(23), OLA, {})
        for place, made in enumerate(self._lab.sweep):
            started = self._dates.ago(23, 30 * (place + 1))
            facts = self._sweep_run(f"lr-{made.settings.lr:g}", started, OLA, {"mlflow.parentRunId": parent.id}, made)
            files = {"model.safetensors": made.data} | _surroundings(story.SUMMER, facts, "model.safetensors")
            self._store.logged_model(facts, "candidate", made.metrics, files)
        crashed = {"mlflow.parentRunId": parent.id, "mlflow.note.content": "Out of memory at batch 65536."}
        self._sweep_run("batch-65536", self._dates.ago(22.8), OLA, crashed, status=FAILED)
        self._sweep_run("again", self._dates.ago(0.02), SVEN, {}, status=RUNNING)

    def _sweep_run(
        self, name: str, started: int, who: Person, tags: Mapping[str, str], made: Made | None = None, status: int = 3
    ) -> RunFacts:
        release = story.released(8)
        ended = None if status == RUNNING else _end(started, made) if made else started + 60
        facts = RunFacts(
            experiment=_SWEEP,
            seed=f"sweep {name}",
            name=name,
            user=who.user,
            started=started,
            ended=ended,
            params=_params(made, release.width) if made else {"search": "lr"},
            tags={**self._tags(release.stack, self._written.code[8], "train.py"), **tags},
            metrics=_histories(made, started) if made else {},
            datasets=self._datasets(release) if made else (),
            status=status,
        )
        self._store.run(facts)
        return facts


def _end(started: float, made: Made) -> float:
    return started + made.curve[-1].step * _SECONDS


def _params(made: Made, width: int) -> dict[str, object]:
    settings = made.settings
    return {
        "lr": settings.lr,
        "epochs": settings.epochs,
        "batch": settings.batch,
        "weight_decay": settings.weight_decay,
        "gamma": settings.gamma,
        "seed": settings.seed,
        "width": width,
        "parameters": parameters(made.weights),
    }


def _histories(made: Made, started: float) -> dict[str, History]:
    """Return the curve of what was watched, and the final scores at the last step."""
    curve = made.curve
    found: dict[str, History] = {
        name: [(started + point.step * _SECONDS, value(point), point.step) for point in curve]
        for name, value in _WATCHED.items()
    }
    last = curve[-1].step
    final: dict[str, History] = {
        name: [(started + last * _SECONDS, value, last)] for name, value in made.metrics.items()
    }
    return found | final


_WATCHED: dict[str, Callable[[Point], float]] = {
    "train_loss": lambda point: point.train_loss,
    "val_loss": lambda point: point.val_loss,
    "val_auc": lambda point: point.val_auc,
    "learning_rate": lambda point: point.lr,
}


def _machine(made: Made, started: float) -> dict[str, History]:
    """Return system metrics as MLflow's monitor samples them, every tenth point of the curve."""
    samples: list[Point] = made.curve[::10]
    loads = [round(71 + 18 * point.epoch / (1 + point.epoch), 1) for point in samples]
    times = [started + point.step * _SECONDS for point in samples]
    busy = [(at, load, step) for step, (at, load) in enumerate(zip(times, loads, strict=True))]
    memory = [(at, 1843.0 + 2 * step, step) for at, _, step in busy]
    return {"system/gpu_0_utilization_percentage": busy, "system/gpu_0_memory_usage_megabytes": memory}


def _surroundings(stack: Stack, facts: RunFacts, data: str) -> dict[str, bytes]:
    """Return the files that MLflow puts beside a model: what it is and what it needs."""
    pinned = requirements(stack)
    pip = [line for line in pinned.splitlines() if line]
    conda = {
        "channels": ["conda-forge"],
        "dependencies": [f"python={stack.python}", "pip<=25.2", {"pip": pip}],
        "name": "mlflow-env",
    }
    env = {
        "python": stack.python,
        "build_dependencies": ["pip==25.2", "setuptools==80.9.0", "wheel==0.45.1"],
        "dependencies": ["-r requirements.txt"],
    }
    return {
        "MLmodel": to_yaml(_mlmodel(stack, facts, data)).encode(),
        "conda.yaml": to_yaml(conda).encode(),
        "python_env.yaml": to_yaml(env).encode(),
        "requirements.txt": pinned.encode(),
    }


def _mlmodel(stack: Stack, facts: RunFacts, data: str) -> dict[str, object]:
    tensor = '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, %d]}}]'
    flavor = {
        "data": data,
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        "loader_module": "risk_models.serving",
        "python_version": stack.python,
    }
    return {
        "artifact_path": "model",
        "flavors": {"python_function": flavor},
        "mlflow_version": stack.mlflow,
        "run_id": facts.id,
        "signature": {"inputs": tensor % FEATURES, "outputs": tensor % 1, "params": None},
    }
