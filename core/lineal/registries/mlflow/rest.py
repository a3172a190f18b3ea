"""MLflow's REST API: read page by page into typed rows, and changed call by call.

Source: mlflow/protos/service.proto, model_registry.proto and mlflow_artifacts.proto; base path `/api/2.0`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, TypeVar
from urllib.parse import quote

import msgspec

from lineal.errors import BadFormat, NotFound
from lineal.formats.http import Http, Reply
from lineal.model.values import Series
from lineal.registries.mlflow.rows import ExperimentRow, LoggedRow, MetricRow, RegisteredRow, RunRow, VersionRow
from lineal.registries.mlflow.values import shown

PAGE = 1000
VERSIONS_PAGE = 2500  # measured on 10,000 versions: a quarter less of the server's time than 1,000
_IDS = 500  # ids in one filter
_MAX_PAGES = 10_000
_HISTORY_PAGE = 25_000
_UNQUOTABLE = frozenset("'\"\\")  # in a filter's text
API = "api/2.0/mlflow/"


class _Page(msgspec.Struct):
    next_page_token: str = ""


class _Models(_Page):
    registered_models: list[RegisteredRow] = []


class _Versions(_Page):
    model_versions: list[VersionRow] = []


class _Experiments(_Page):
    experiments: list[ExperimentRow] = []


class _Runs(_Page):
    runs: list[RunRow] = []


class _OneRun(msgspec.Struct):
    run: RunRow


class _Logged(_Page):
    models: list[LoggedRow] = []


class _History(_Page):
    metrics: list[MetricRow] = []


class _OneModel(msgspec.Struct):
    registered_model: RegisteredRow


class _OneVersion(msgspec.Struct):
    model_version: VersionRow


class _OneLogged(msgspec.Struct):
    model: LoggedRow


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request that changes something: POST or DELETE of JSON at a path below `API`."""

    method: str
    path: str
    body: dict[str, str | bool]


class Artifact(msgspec.Struct, frozen=True):
    """A file or folder in a listing."""

    path: str
    is_dir: bool = False
    file_size: int | None = None


class _Artifacts(_Page):
    files: list[Artifact] = []


P = TypeVar("P", bound=_Page)
T = TypeVar("T")
Fetch = Callable[[str], Reply]


class Rest:
    """One tracking server."""

    def __init__(self, http: Http) -> None:
        self.http = http

    def models(self) -> Iterator[RegisteredRow]:
        """Yield the registered models, with aliases, by name."""
        query: dict[str, str | int | list[str]] = {"max_results": PAGE, "order_by": ["name ASC"]}
        for page in self._pages(self._get("registered-models/search", query), _Models):
            yield from page.registered_models

    def versions(self) -> Iterator[VersionRow]:
        """Yield the versions of all registered models, oldest first, so that new ones do not shift the pages."""
        order = ["creation_timestamp ASC"]
        query: dict[str, str | int | list[str]] = {"max_results": VERSIONS_PAGE, "order_by": order}
        for page in self._pages(self._get("model-versions/search", query), _Versions):
            yield from page.model_versions

    def experiments(self) -> Iterator[ExperimentRow]:
        """Yield all experiments, deleted ones too."""
        query: dict[str, str | int | list[str]] = {
            "max_results": PAGE,
            "view_type": "ALL",
            "order_by": ["experiment_id ASC"],
        }
        for page in self._pages(self._get("experiments/search", query), _Experiments):
            yield from page.experiments

    def runs(self, experiments: Sequence[str], where: str = "", view: str = "ALL") -> Iterator[RunRow]:
        """Yield runs of some experiments, oldest first; `view` is ALL, ACTIVE_ONLY or DELETED_ONLY."""
        if not experiments:
            return
        body = {
            "experiment_ids": list(experiments),
            "max_results": PAGE,
            "run_view_type": view,
            "order_by": ["attributes.start_time ASC"],
            **({"filter": where} if where else {}),
        }
        for page in self._pages(self._post("runs/search", body), _Runs):
            yield from page.runs

    def latest_end(self, experiments: Sequence[str]) -> int:
        """Return when the last run of some experiments ended, in ms; 0 where none has."""
        body: dict[str, object] = {
            "experiment_ids": list(experiments),
            "max_results": 1,
            "run_view_type": "ACTIVE_ONLY",
            "filter": "attributes.end_time > 0",
            "order_by": ["attributes.end_time DESC"],
        }
        reply = self._post("runs/search", body)("") if experiments else None
        runs = self._decoded(reply, _Runs).runs if reply else []
        return runs[0].info.end_time if runs else 0

    def runs_of(self, experiments: Sequence[str], ids: Sequence[str]) -> Iterator[RunRow]:
        """Yield the runs with these ids, deleted ones too."""
        for start in range(0, len(ids), _IDS):
            yield from self.runs(experiments, _any_of("attributes.run_id", ids[start : start + _IDS]))

    def run(self, run_id: str) -> RunRow | None:
        """Return one run, or None where there is none."""
        try:
            reply = self.http.get(API + "runs/get", {"run_id": run_id})
        except NotFound:
            return None
        return self._decoded(reply, _OneRun).run

    def logged(self, experiments: Sequence[str], where: str = "") -> Iterator[LoggedRow]:
        """Yield LoggedModels of some experiments. Raises NotFound on servers before 3.0."""
        if not experiments:
            return
        body = {
            "experiment_ids": list(experiments),
            "max_results": PAGE,
            "order_by": [{"field_name": "creation_timestamp", "ascending": True}],
            **({"filter": where} if where else {}),
        }
        for page in self._pages(self._post("logged-models/search", body), _Logged):
            yield from page.models

    def logged_of(self, experiments: Sequence[str], ids: Sequence[str]) -> Iterator[LoggedRow]:
        """Yield the LoggedModels with these ids. Raises NotFound on servers before 3.0."""
        for start in range(0, len(ids), _IDS):
            yield from self.logged(experiments, _any_of("model_id", ids[start : start + _IDS]))

    def registered(self, name: str) -> RegisteredRow:
        """Return one registered model, with aliases. Raises NotFound."""
        return self._decoded(self.http.get(API + "registered-models/get", {"name": name}), _OneModel).registered_model

    def version(self, name: str, version: str) -> VersionRow:
        """Return one version of a registered model. Raises NotFound, for deleted ones too."""
        reply = self.http.get(API + "model-versions/get", {"name": name, "version": version})
        return self._decoded(reply, _OneVersion).model_version

    def versions_of(self, name: str) -> list[VersionRow]:
        """Return the versions of one registered model, in no order; none where there is no such model.

        A name that MLflow's filters cannot quote costs a listing of all models' versions.
        """
        query: dict[str, str | int | list[str]] = {"max_results": VERSIONS_PAGE}
        if not _UNQUOTABLE & set(name):
            query["filter"] = f"name = '{name}'"
        pages = self._pages(self._get("model-versions/search", query), _Versions)
        return [row for page in pages for row in page.model_versions if row.name == name]

    def logged_model(self, model_id: str) -> LoggedRow:
        """Return one LoggedModel. Raises NotFound, on servers before 3.0 always."""
        return self._decoded(self.http.get(f"{API}logged-models/{quote(model_id, safe='')}"), _OneLogged).model

    def logged_from(self, experiment: str, run_id: str) -> list[LoggedRow]:
        """Return the LoggedModels that a run made; none on servers before 3.0."""
        try:
            return list(self.logged([experiment], f"attributes.source_run_id = '{run_id}'"))
        except NotFound:
            return []

    def change(self, call: Call) -> Reply:
        """Make a call, once. Raises as `Http.change` does."""
        return self.http.change(call.method, API + call.path, msgspec.json.encode(call.body))

    def created(self, reply: Reply) -> VersionRow:
        """Return the version that the server says it made. Raises BadFormat."""
        return self._decoded(reply, _OneVersion).model_version

    def line(self, call: Call) -> str:
        """Return a call as a person could send it, without the user and password of URLs in it."""
        body = {key: shown(text) if isinstance(text, str) else text for key, text in call.body.items()}
        return f"{call.method} {self.http.base}/{API}{call.path} {msgspec.json.encode(body).decode()}"

    def series(self, run_id: str, metric: str) -> Series:
        """Return all points of a metric in step order. Raises RegistryError."""
        query: dict[str, str | int | list[str]] = {"run_id": run_id, "metric_key": metric, "max_results": _HISTORY_PAGE}
        points: list[MetricRow] = []
        for page in self._pages(self._get("metrics/get-history", query), _History):
            points += page.metrics
        points.sort(key=lambda point: (point.step, point.timestamp))
        return Series(
            metric,
            [point.step for point in points],
            [point.number for point in points],
            [point.timestamp / 1000 for point in points],
        )

    def listing(self, path: str, query: dict[str, str | int | list[str]]) -> list[Artifact]:
        """Return one level of a folder of artifacts."""
        found: list[Artifact] = []

        def fetch(token: str) -> Reply:
            return self.http.get(path, query | ({"page_token": token} if token else {}), tries=1)

        for page in self._pages(fetch, _Artifacts):
            found += page.files
        return found

    def open(self, place: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """Stream an artifact at a path below the server's address."""
        return self.http.open(place, start, length)

    def _get(self, path: str, query: dict[str, str | int | list[str]]) -> Fetch:
        return lambda token: self.http.get(API + path, query | ({"page_token": token} if token else {}))

    def _post(self, path: str, body: dict[str, object]) -> Fetch:
        def fetch(token: str) -> Reply:
            return self.http.search(API + path, msgspec.json.encode(body | ({"page_token": token} if token else {})))

        return fetch

    def _pages(self, fetch: Fetch, kind: type[P]) -> Iterator[P]:
        """Yield pages until there is no token; a server that repeats tokens or never ends is cut off."""
        seen: set[str] = set()
        token = ""
        while True:
            page = self._decoded(fetch(token), kind)
            yield page
            token = page.next_page_token
            if not token:
                return
            if token in seen or len(seen) >= _MAX_PAGES:
                raise BadFormat(f"{self.http.base} sends pages without end", hint="restart the server, then sync again")
            seen.add(token)

    def _decoded(self, reply: Reply, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(reply.body, type=kind, strict=False)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            if "html" in reply.content_type:
                hint = "is this the tracking server's own address? a sign-in page in between wants a token"
                raise BadFormat(f"{self.http.base} answers with a web page", hint=hint) from error
            hint = "is it an MLflow server of version 2 or 3, with its prefix in the URL?"
            raise BadFormat(f"{self.http.base} answers with what is not MLflow's: {error}", hint=hint) from error


def _any_of(field: str, ids: Sequence[str]) -> str:
    """Return a filter; ids with anything but letters, digits and hyphens are no ids and never sent."""
    plain = [identity for identity in ids if identity.replace("-", "").isalnum()]
    return f"{field} IN ({', '.join(repr(identity) for identity in plain)})"
