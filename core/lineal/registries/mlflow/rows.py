"""MLflow's entities as its REST API spells them; the database and the file store are read into the same shapes.

Source: mlflow/protos/service.proto and model_registry.proto (2.x and 3.x). Times are milliseconds since 1970.
Everything optional has a default, since each release leaves out other fields.
"""

from __future__ import annotations

import math
import sys
from enum import StrEnum

import msgspec

DELETED_STAGE = "Deleted_Internal"  # what MLflow makes of a deleted version
FINISHED_UPLOAD = "LOGGED_MODEL_READY"


class KeyValue(msgspec.Struct, frozen=True, gc=False):
    """A parameter or a tag."""

    key: str
    value: str = ""


class Odd(StrEnum):
    """The numbers that JSON cannot hold, as the REST API writes them."""

    NAN = "NaN"
    INFINITY = "Infinity"
    MINUS_INFINITY = "-Infinity"


class MetricRow(msgspec.Struct, frozen=True, gc=False):
    """One point of a metric. Over REST, NaN comes as text; infinity is stored as the largest float."""

    key: str
    value: float | Odd = 0.0
    timestamp: int = 0
    step: int = 0
    dataset_name: str = ""

    @property
    def number(self) -> float:
        """The value as a float, infinity as itself."""
        found = float(self.value)
        if abs(found) >= sys.float_info.max:
            return math.copysign(math.inf, found)
        return found


class RunInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a run is."""

    run_id: str = ""
    run_name: str = ""
    experiment_id: str = ""
    user_id: str = ""
    status: str = ""
    start_time: int = 0
    end_time: int = 0
    artifact_uri: str = ""
    lifecycle_stage: str = "active"


class RunData(msgspec.Struct, frozen=True, kw_only=True):
    """What a run logged: the last value of each metric."""

    metrics: list[MetricRow] = []
    params: list[KeyValue] = []
    tags: list[KeyValue] = []


class DatasetRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A data set."""

    name: str = ""
    digest: str = ""
    source_type: str = ""
    source: str = ""
    profile: str = ""


class DatasetInput(msgspec.Struct, frozen=True, kw_only=True):
    """A data set and what a run used it for."""

    dataset: DatasetRow = DatasetRow()
    tags: list[KeyValue] = []


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a run read."""

    dataset_inputs: list[DatasetInput] = []


class ModelOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A LoggedModel that a run made."""

    model_id: str = ""


class Outputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a run made."""

    model_outputs: list[ModelOutput] = []


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run. Only servers say its outputs here; elsewhere LoggedModels name their run."""

    info: RunInfo
    data: RunData = RunData()
    inputs: Inputs = Inputs()
    outputs: Outputs = Outputs()

    def tag(self, key: str) -> str:
        """Return the value of a tag, or ""."""
        return next((tag.value for tag in self.data.tags if tag.key == key), "")


class LoggedInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a LoggedModel (MLflow 3) is."""

    model_id: str = ""
    experiment_id: str = ""
    name: str = ""
    creation_timestamp_ms: int = 0
    last_updated_timestamp_ms: int = 0
    artifact_uri: str = ""
    status: str = ""
    model_type: str = ""
    source_run_id: str = ""
    tags: list[KeyValue] = []


class LoggedData(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs to a LoggedModel."""

    params: list[KeyValue] = []
    metrics: list[MetricRow] = []


class LoggedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A LoggedModel."""

    info: LoggedInfo
    data: LoggedData = LoggedData()


class AliasRow(msgspec.Struct, frozen=True, gc=False):
    """An alias of a registered model."""

    alias: str
    version: str


class RegisteredRow(msgspec.Struct, frozen=True, kw_only=True):
    """A registered model."""

    name: str
    creation_timestamp: int = 0
    last_updated_timestamp: int = 0
    description: str = ""
    tags: list[KeyValue] = []
    aliases: list[AliasRow] = []


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a registered model. `storage_location` is where the bytes are, where the store says so."""

    name: str
    version: str
    creation_timestamp: int = 0
    last_updated_timestamp: int = 0
    user_id: str = ""
    current_stage: str = ""
    description: str = ""
    source: str = ""
    run_id: str = ""
    status: str = "READY"
    status_message: str = ""
    tags: list[KeyValue] = []
    model_id: str = ""
    storage_location: str = ""


class ExperimentRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An experiment."""

    experiment_id: str
    name: str
    lifecycle_stage: str = "active"


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a store could not read on the way."""

    scope: str
    where: str
    message: str
    hint: str = ""
