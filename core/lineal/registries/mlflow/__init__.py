"""MLflow: tracking servers over REST, their databases read directly, and `mlruns/` folders; servers are changed too."""

from __future__ import annotations

from lineal.config import RegistrySpec, Surroundings
from lineal.registries.base import Registry
from lineal.registries.mlflow.places import KIND, Backend, discover, locate, recognise

__all__ = ["KIND", "connect", "discover", "recognise"]


def connect(spec: RegistrySpec, around: Surroundings) -> Registry:
    """Make the registry that `spec.url` names; only what it needs is imported.

    Raises:
        ConfigError, Unsupported: the URL, or one of MLflow's own settings, cannot be used.
    """
    place = locate(spec.url, around)
    if place.backend is Backend.SERVER:
        from lineal.registries.mlflow.server import connect_server

        return connect_server(spec, around)
    from lineal.registries.mlflow.artifacts import LocalArtifacts
    from lineal.registries.mlflow.registry import Mlflow

    if place.backend is Backend.FILES:
        from lineal.registries.mlflow.files import FileStore

        return Mlflow(spec, FileStore(place.path), LocalArtifacts(place.path.parent, place.path))
    from lineal.registries.mlflow.database import connect_database

    return connect_database(spec, place)
