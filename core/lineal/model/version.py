"""A version of a model and everything that belongs to it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from lineal.model.values import Metric, Param, Tag


class Kind(StrEnum):
    """What a version is in its registry."""

    REGISTERED = "registered"  # given a version by a registry: an MLflow model version, a GTO registration
    COMMIT = "commit"  # a git commit in which the model's bytes changed
    EXPERIMENT = "experiment"  # a DVC experiment
    RUN = "run"  # a run that logged a model which nobody registered
    SNAPSHOT = "snapshot"  # a commit in the Hugging Face cache
    CHECKPOINT = "checkpoint"  # files in a folder
    DATASET = "dataset"  # data, kept by the native store as a model is


class State(StrEnum):
    """Whether a version is all there."""

    READY = "ready"
    RUNNING = "running"
    FAILED = "failed"
    PARTIAL = "partial"  # some of its files are missing here
    RETIRED = "retired"  # not to be used; its bytes may go


class Algorithm(StrEnum):
    """How a digest was made."""

    MD5 = "md5"
    MD5_DOS2UNIX = "md5-dos2unix"  # DVC 2: md5 with line ends made \\n in texts; equal to MD5 for binary files
    MD5_DIR = "md5-dir"  # DVC: md5 of the listing of a directory
    SHA256 = "sha256"
    GIT_SHA1 = "git-sha1"  # of a git blob: the header counts
    BLAKE3 = "blake3"


class Digest(msgspec.Struct, frozen=True, gc=False):
    """The hash of some bytes, in lower-case hexadecimal."""

    algorithm: Algorithm
    hex: str


class Place(StrEnum):
    """Where the bytes of a file are, as far as can be told without fetching them."""

    LOCAL = "local"  # in a plain file: in the work tree, a run's artifacts, a checkpoint folder
    CACHE = "cache"  # in a local cache (DVC, git-lfs, Hugging Face)
    REMOTE = "remote"  # only behind a network or in a DVC remote
    NOWHERE = "nowhere"  # named, but in none of the places that are configured


class File(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One file of a version. `path` is relative, with `/`; a DVC directory that is not listed here ends in `/`.

    `location` is for the registry's own `open`; `local` is the absolute path of the bytes on this machine, or empty.
    """

    path: str
    size: int | None = None  # bytes
    stored: int | None = None  # bytes of it in a store that compresses; what several files share counts for each
    digest: Digest | None = None
    place: Place = Place.LOCAL
    location: str = ""
    local: str = ""


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """Data that a version was trained or evaluated on. `digest` is whatever the registry names it by."""

    name: str
    digest: str = ""
    role: str = ""  # training, validation, ... where stated
    source: str = ""
    size: int | None = None  # bytes
    rows: int | None = None
    profile: str = ""  # short free text


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """The source that made a version. `local` is the path of a repository at hand that holds `commit`, or empty."""

    repository: str = ""
    commit: str = ""
    branch: str = ""
    entry: str = ""  # the script or command
    dirty: bool | None = None
    local: str = ""


class Package(msgspec.Struct, frozen=True, order=True, gc=False):
    """An installed or wanted distribution; the name is normalised (PEP 503), `version` may be a specifier or empty."""

    name: str
    version: str = ""


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What a version was trained with, as far as its registry recorded it. Empty means not recorded."""

    python: str = ""
    packages: tuple[Package, ...] = ()  # sorted by name
    os: str = ""
    cuda: str = ""
    cudnn: str = ""
    driver: str = ""
    gpus: tuple[str, ...] = ()
    cpu: str = ""
    memory: int | None = None  # bytes
    image: str = ""  # container image with digest
    variables: tuple[Tag, ...] = ()
    sources: tuple[str, ...] = ()  # the files it was read from


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The training run behind a version. Times are Unix seconds, UTC."""

    id: str
    name: str = ""
    experiment: str = ""
    status: str = ""
    started_at: float | None = None
    ended_at: float | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one model in one registry. Its identity is (registry, model, key), and that never changes.

    `name` is what people call it (`v7`, `1.2.0`, `checkpoint-500`), unique within the model where the registry allows;
    `number` orders versions of a model where the registry numbers them. `created_at` is in Unix seconds, UTC.
    """

    registry: str
    model: str
    key: str
    name: str
    kind: Kind
    number: int | None = None
    created_at: float | None = None
    author: str = ""
    message: str = ""
    state: State = State.READY
    params: tuple[Param, ...] = ()
    metrics: tuple[Metric, ...] = ()
    tags: tuple[Tag, ...] = ()
    environment: Environment | None = None
    datasets: tuple[Dataset, ...] = ()
    code: Code | None = None
    run: Run | None = None
    files: tuple[File, ...] = ()
    card: str = ""  # Markdown


class Tensor(msgspec.Struct, frozen=True, gc=False):
    """The header of one tensor, never its values. `shape` is in elements, outermost first."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: str = ""
