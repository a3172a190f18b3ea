"""Which outs are models, which are data: DVC itself does not say, but where an `artifacts:` section does."""

from __future__ import annotations

from collections.abc import Mapping

from lineal.registries.dvc.history import MODELS
from lineal.registries.dvc.outs import Artifact

_MODEL_FOLDERS = frozenset({"model", "models", "checkpoint", "checkpoints", "ckpt", "ckpts", "weights", "artifacts"})
_DATA_FOLDERS = frozenset({"data", "dataset", "datasets", "raw", "processed", "features"})
_CODE = (".py", ".ipynb", ".sh", ".r", ".jl", ".sql", ".js", ".ts", ".c", ".cpp", ".rs", ".go")
_REPORTS = (".json", ".yaml", ".yml", ".toml", ".csv", ".tsv", ".html", ".png", ".svg", ".md", ".txt", ".log")


class Roles:
    """The roles of paths, by the artifacts of the newest commits."""

    def __init__(self, artifacts: Mapping[str, Artifact]) -> None:
        self.artifacts = artifacts  # by path
        self._models: dict[str, bool] = {}
        self._paths: dict[str, list[str]] = {}
        for path, artifact in artifacts.items():
            self._paths.setdefault(artifact.name, []).append(path)

    def model(self, path: str) -> str:
        """Return the name of the model at a path: its artifact's, else the path."""
        artifact = self.artifacts.get(path)
        return artifact.name if artifact else path

    def is_model(self, path: str) -> bool:
        """Say whether an out is a model."""
        if path not in self._models:
            self._models[path] = self._is_model(path)
        return self._models[path]

    def paths(self, model: str) -> list[str]:
        """Return where the artifact of that name is or was; a model that is no artifact is named after its path."""
        return self._paths.get(model, [model])

    def _is_model(self, path: str) -> bool:
        artifact = self.artifacts.get(path)
        if artifact and artifact.type:
            return artifact.type == "model"
        lowered = path.lower()
        folders = set(lowered.split("/")[:-1])
        if folders & _DATA_FOLDERS or lowered.endswith(_REPORTS):
            return bool(artifact)
        named = lowered.endswith(MODELS) or bool(folders & _MODEL_FOLDERS)
        return named or bool(artifact) or lowered.rsplit("/", 1)[-1] in _MODEL_FOLDERS

    def is_data(self, path: str) -> bool:
        """Say whether a dependency is data: no code, no report, no model."""
        return not path.lower().endswith(_CODE) and not self.is_model(path)
