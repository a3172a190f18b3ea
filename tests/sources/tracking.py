"""A tracking server of MLflow made of canned answers, to be bent out of shape by tests."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.sources.web import Asked, Web, reply, web

RUN = "r" * 32
Answers = dict[str, Any]


def canned() -> Answers:
    """Return what a small healthy server says, by the last words of the path."""
    run = {
        "info": {"run_id": RUN, "run_name": "first", "experiment_id": "1", "status": "FINISHED", "start_time": 1000,
                 "end_time": 2000, "artifact_uri": "s3://b/1/r", "lifecycle_stage": "active"},
        "data": {"params": [{"key": "lr", "value": "0.1"}], "metrics": [{"key": "acc", "value": "NaN"}]},
    }  # fmt: skip
    version = {"name": "churn", "version": "1", "creation_timestamp": 3000, "current_stage": "None", "run_id": RUN}
    return {
        "registered-models/search": {
            "registered_models": [{"name": "churn", "aliases": [{"alias": "a", "version": "1"}]}]
        },
        "model-versions/search": {"model_versions": [version | {"source": "s3://elsewhere/model", "status": "READY"}]},
        "experiments/search": {"experiments": [{"experiment_id": "1", "name": "e", "lifecycle_stage": "active"}]},
        "runs/search": {"runs": [run]},
        "logged-models/search": {},
    }


@contextmanager
def tracking(answers: Answers) -> Iterator[Web]:
    """Serve these answers: JSON values, whole replies as bytes, or functions of the request that give either."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        name = "/".join(asked.target.partition("?")[0].rsplit("/", 2)[1:])
        found = answers.get(name, reply(b'{"message": "no such endpoint"}', 404))
        if name == "runs/search" and b"DELETED_ONLY" in asked.body:
            found = {}
        found = found(asked) if callable(found) else found
        connection.sendall(found if isinstance(found, bytes) else reply(json.dumps(found).encode()))

    with web(answer) as server:
        yield server
