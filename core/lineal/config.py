"""Configuration: what the process found around it, and what `lineal.toml` and the user's `config.toml` say.

[index]
url = "postgresql://team-db/lineal"     # default: a SQLite file in the user's cache folder

[registries.prod]                       # any number of these
kind = "mlflow"                         # may be left out where the url shows it
url = "https://mlflow.example.com"      # a URL, or a path relative to this file

[store]
url = "s3://models/team"                # default: the folder .lineal/store of the project
effort = "default"                      # fast, default, max

[remotes.origin]                        # any number of these
url = "s3://models/team"                # a folder is a remote too
endpoint = "https://minio.example.com"  # these five for s3:// only; [store] takes them too
profile = "ml"
region = "eu-central-1"
path_style = true
checksums = "when_required"             # for servers that do not know AWS's newer checksums

[discovery]
enabled = true
ignore = ["runs/old"]                   # paths or URLs that are not looked at

[fingerprint]
enabled = true                          # hash local files in the background, to join equal bytes
bytes_per_second = 200_000_000          # 0: as fast as it goes

[metrics]
auc = "max"
latency_ms = { goal = "min", noise = 0.5 }

[signing]                               # in the user's config.toml
key = "~/.ssh/id_ed25519"               # sign what is written into the ledger; "git" for git's own key

read_only = true                        # before the first table: change nothing
theme = "light"                         # in the user's config.toml: dark, light, ansi, contrast, colour-blind
ascii = true                            # the same: no character that is not ASCII; false: whatever the terminal says

What `policy`, `gate` and `on` of a project's file mean stands in `lineal.policy`.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import msgspec

from lineal.errors import ConfigError
from lineal.model.reference import REGISTRY
from lineal.model.values import Goal
from lineal.policy.rules import Policy
from lineal.policy.rules import parse as parse_policy

PROJECT_FILE = "lineal.toml"
FOLDER = ".lineal"
_LIMIT = 1 << 20  # bytes of one configuration file


class Surroundings(msgspec.Struct, frozen=True):
    """What only an entry point may look at: the working folder, the home folder, the environment and the clock."""

    cwd: Path
    home: Path
    environ: Mapping[str, str]
    clock: Callable[[], float] = time.time  # Unix seconds

    @classmethod
    def of_process(cls) -> Surroundings:
        """Return those of this process; for entry points only."""
        return cls(Path.cwd(), Path.home(), dict(os.environ))

    def config_folder(self) -> Path:
        """Return the user's configuration folder of Lineal."""
        return self._folder("XDG_CONFIG_HOME", ".config")

    def cache_folder(self) -> Path:
        """Return the user's cache folder of Lineal: whatever is in it may be deleted."""
        return self._folder("XDG_CACHE_HOME", ".cache")

    def state_folder(self) -> Path:
        """Return the folder of what one session leaves to the next, and of crash reports."""
        return self._folder("XDG_STATE_HOME", ".local/state")

    def _folder(self, variable: str, default: str) -> Path:
        given = self.environ.get(variable, "")
        return (Path(given) if Path(given).is_absolute() else self.home / default) / "lineal"


class RegistrySpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one registry. `url` is an absolute path or a URL; `origin` says who named it."""

    name: str  # [a-z0-9][a-z0-9._-]*
    kind: str  # dvc, mlflow, huggingface, checkpoints, or that of an entry point
    url: str
    origin: str = "found"  # found (autodiscovery), project (lineal.toml), user (config.toml)
    options: tuple[tuple[str, str], ...] = ()


class MetricRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a project says of one metric: its goal, and by how much it may change without meaning anything."""

    goal: Goal | None = None
    noise: float = 0.0


class IndexSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[index]`: where the index is."""

    url: str = ""


class DiscoverySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[discovery]`: whether registries are looked for, and where not."""

    enabled: bool = True
    ignore: tuple[str, ...] = ()


class FingerprintSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[fingerprint]`: whether local files are hashed, and how fast at most."""

    enabled: bool = True
    bytes_per_second: int = 0


class RegistrySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[registries.NAME]`: one registry."""

    url: str
    kind: str = ""
    options: dict[str, str] = {}


class PlaceSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[remotes.NAME]`: where a store is, and how its S3 server wants to be spoken to."""

    url: str = ""
    endpoint: str = ""
    profile: str = ""
    region: str = ""
    path_style: bool | None = None
    checksums: Literal["", "when_supported", "when_required"] = ""


class StoreSection(PlaceSection, frozen=True, forbid_unknown_fields=True):
    """`[store]`: where this workspace keeps its own versions, and how hard it tries to make them small."""

    effort: Literal["", "fast", "default", "max"] = ""


class SigningSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[signing]`: with which key what is written into the ledger is signed."""

    key: str = ""


class StoreSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one store: a folder's absolute path or `s3://bucket/prefix`, and the options of its server."""

    url: str
    options: tuple[tuple[str, str], ...] = ()
    origin: str = "default"  # default, project (lineal.toml), user (config.toml), given (a command line)


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One configuration file as it is written."""

    index: IndexSection = IndexSection()
    discovery: DiscoverySection = DiscoverySection()
    fingerprint: FingerprintSection = FingerprintSection()
    store: StoreSection = StoreSection()
    remotes: dict[str, PlaceSection] = {}
    registries: dict[str, RegistrySection] = {}
    metrics: dict[str, Goal | MetricRule] = {}
    signing: SigningSection = SigningSection()
    read_only: bool = False
    theme: Literal["", "dark", "light", "ansi", "contrast", "colour-blind"] = ""
    ascii: bool | None = None
    keys: dict[str, str | tuple[str, ...]] = {}
    policy: Any = None  # these three are read by `lineal.policy`
    gate: Any = None
    on: Any = None

    @property
    def rules(self) -> dict[str, Any]:
        """The tables that make up a policy."""
        found = {"policy": self.policy, "gate": self.gate, "on": self.on}
        return {key: value for key, value in found.items() if value is not None}


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one workspace, once project and user configuration are put together."""

    root: Path
    index: str = ""
    registries: tuple[RegistrySpec, ...] = ()  # `kind` is empty where the file does not say
    discover: bool = True
    ignore: frozenset[str] = frozenset()  # absolute paths and URLs
    fingerprint: bool = True
    fingerprint_rate: int = 0  # bytes per second, 0: no bound
    metrics: Mapping[str, MetricRule] = {}
    store: StoreSpec
    effort: str = "default"
    remotes: Mapping[str, StoreSpec] = {}
    signing: str = ""  # a key's path, "git", or "" where nothing is signed
    policy: Policy = Policy()
    policy_error: str = ""  # why the policy cannot be read: then nothing may be changed
    read_only: str = ""  # why nothing may be changed; "" where it may
    theme: str = ""  # "" where the terminal decides
    ascii: bool | None = None  # None where the terminal decides
    keys: Mapping[str, tuple[str, ...]] = {}  # what is to be pressed, by the ids of the application's keys; () for off
    wrong: str = ""  # why defaults stand for a file that could not be used


def find_root(cwd: Path) -> Path:
    """Return the workspace's root: the nearest folder upward with `lineal.toml`, else with `.git`, else `cwd`."""
    upward = [cwd, *cwd.parents]
    for folder in upward:
        if (folder / PROJECT_FILE).is_file():
            return folder
    return next((folder for folder in upward if (folder / ".git").exists()), cwd)


def workspace_id(root: Path) -> str:
    """Return a short name for the workspace at `root` that is safe in file and schema names."""
    return hashlib.sha256(os.fsencode(root)).hexdigest()[:16]


def load(around: Surroundings, root: Path | None = None, without: Collection[str] = ()) -> Config:
    """Read the configuration that holds in `around`, or for the workspace at `root`.

    Args:
        around: the surroundings.
        root: the workspace's folder; by default the one around the working folder.
        without: "user" or "project" for a file that is taken for empty.

    Raises:
        ConfigError: a file is not TOML, or holds a key or value that means nothing.
    """
    root = root or find_root(around.cwd)
    user_file, project_file = around.config_folder() / "config.toml", root / PROJECT_FILE
    user = Document() if "user" in without else read(user_file)
    project = Document() if "project" in without else read(project_file)
    specs = {spec.name: spec for spec in _specs(user, user_file.parent, "user", around.home)}
    specs |= {spec.name: spec for spec in _specs(project, root, "project", around.home)}
    if user.rules:
        raise ConfigError(f"{user_file}: a policy belongs to a project", hint=f"write it into {project_file}")
    if project.keys:
        raise ConfigError(f"{project_file}: keys are a person's own", hint=f"write [keys] into {user_file}")
    policy, policy_error = _policy(project, project_file)
    ignore = {place(text, user_file.parent, around.home) for text in user.discovery.ignore}
    ignore |= {place(text, root, around.home) for text in project.discovery.ignore}
    return Config(
        root=root,
        index=project.index.url or user.index.url,
        registries=tuple(specs.values()),
        discover=user.discovery.enabled and project.discovery.enabled,
        ignore=frozenset(ignore),
        fingerprint=user.fingerprint.enabled and project.fingerprint.enabled,
        fingerprint_rate=project.fingerprint.bytes_per_second or user.fingerprint.bytes_per_second,
        metrics={name: _rule(said) for name, said in (user.metrics | project.metrics).items()},
        store=_store(project, root, "project", around.home)
        or _store(user, user_file.parent, "user", around.home)
        or StoreSpec(url=str(root / FOLDER / "store")),
        effort=project.store.effort or user.store.effort or "default",
        remotes=_remotes(user, user_file.parent, "user", around.home) | _remotes(project, root, "project", around.home),
        signing=user.signing.key,
        policy=policy,
        policy_error=policy_error,
        read_only=_read_only(user, project, around, policy_error),
        theme=user.theme or project.theme,
        ascii=user.ascii if user.ascii is not None else project.ascii,
        keys={name: (said,) if isinstance(said, str) and said else tuple(said) for name, said in user.keys.items()},
    )


def _policy(project: Document, file: Path) -> tuple[Policy, str]:
    """Return the project's policy, or why it cannot be read: everything can be looked at all the same."""
    try:
        return parse_policy(project.rules, str(file)), ""
    except ConfigError as error:
        return Policy(), f"{error.message}{f' ({error.hint})' if error.hint else ''}"


def _read_only(user: Document, project: Document, around: Surroundings, policy_error: str) -> str:
    """Say why nothing may be changed; "" where it may."""
    if policy_error:
        return f"the policy cannot be read: {policy_error}"
    if (said := around.environ.get("LINEAL_READ_ONLY", "0")) not in ("", "0"):
        return "`lineal serve --write` lets pages change things" if said == "page" else "LINEAL_READ_ONLY is set"
    if user.read_only or project.read_only:
        return f"{'config.toml' if user.read_only else PROJECT_FILE} says read_only = true"
    return ""


def _store(document: Document, folder: Path, origin: str, home: Path) -> StoreSpec | None:
    return store_spec(document.store, folder, origin, home) if document.store.url else None


def _remotes(document: Document, folder: Path, origin: str, home: Path) -> dict[str, StoreSpec]:
    for name, section in document.remotes.items():
        if not REGISTRY.fullmatch(name):
            raise ConfigError(f"{name!r} is no name of a remote", hint="use a-z, 0-9, `.`, `_` and `-`")
        if not section.url:
            raise ConfigError(f"the remote {name!r} has no url", hint='url = "s3://bucket/prefix", or a folder')
    return {name: store_spec(section, folder, origin, home) for name, section in document.remotes.items()}


def store_spec(section: PlaceSection, folder: Path, origin: str, home: Path) -> StoreSpec:
    """Return how to reach the store that a section of a file in `folder` names."""
    options = {
        "endpoint": section.endpoint,
        "profile": section.profile,
        "region": section.region,
        "path_style": "" if section.path_style is None else str(section.path_style).lower(),
        "checksums": section.checksums,
    }
    given = tuple(sorted((name, value) for name, value in options.items() if value))
    return StoreSpec(url=place(section.url, folder, home), options=given, origin=origin)


def read(file: Path) -> Document:
    """Read one configuration file; one that does not exist says nothing.

    Raises:
        ConfigError: as for `load`.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return Document()
    except OSError as e:
        raise ConfigError(f"{file} cannot be read: {e.strerror}", hint="check its permissions") from e
    if len(data) > _LIMIT:
        raise ConfigError(f"{file} is larger than {_LIMIT >> 20} MiB", hint="is it the right file?")
    return _convert(file, data)


def _convert(file: Path, data: bytes) -> Document:
    import tomllib  # its patterns take as long to compile as all of this module: not where there is no file

    try:
        return msgspec.convert(tomllib.loads(data.decode()), Document)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as e:
        raise ConfigError(f"{file} is not TOML: {e}", hint="compare with the README's example") from e
    except msgspec.ValidationError as e:
        raise ConfigError(f"{file}: {e}", hint=_suggestion(str(e))) from e


_SECTIONS = (
    *(Document, IndexSection, DiscoverySection, FingerprintSection, RegistrySection, MetricRule),
    *(StoreSection, SigningSection),
)
_KNOWN = [field.name for section in _SECTIONS for field in msgspec.structs.fields(section)]


def _suggestion(message: str) -> str:
    quoted = message.split("`")
    close = get_close_matches(quoted[1], _KNOWN, 1) if "unknown field" in message and len(quoted) > 1 else []
    return f"did you mean `{close[0]}`?" if close else "see `lineal doctor` and the README's example"


def _specs(document: Document, folder: Path, origin: str, home: Path) -> list[RegistrySpec]:
    for name in document.registries:
        if not REGISTRY.fullmatch(name):
            raise ConfigError(f"{name!r} is no name of a registry", hint="use a-z, 0-9, `.`, `_` and `-`")
    return [
        RegistrySpec(
            name=name,
            kind=section.kind,
            url=place(section.url, folder, home),
            origin=origin,
            options=tuple(sorted(section.options.items())),
        )
        for name, section in document.registries.items()
    ]


def _rule(said: Any) -> MetricRule:
    return said if isinstance(said, MetricRule) else MetricRule(goal=said)


def place(text: str, folder: Path, home: Path) -> str:
    """Make a path absolute, from `folder`, and leave a URL (also git's `host:path`) alone."""
    if text.startswith("sqlite:///") and not text.startswith("sqlite:////"):
        return f"sqlite:///{os.path.normpath(folder / text.removeprefix('sqlite:///'))}"
    if "://" in text or (":" in text.split("/")[0] and not (folder / text).exists()):
        return text
    path = home / text[2:] if text.startswith("~/") else Path(text)
    return os.path.normpath(folder / path)
