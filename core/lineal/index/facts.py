"""Facts: what a version can be filtered and sorted by, one row for each key and value.

| what                       | where                                                                             |
| metric, finite or infinite | fact_num; NaN is no fact                                                          |
| parameter                  | fact_txt, folded (`plain`); fact_num too, where it is a number or reads as one    |
| tag                        | fact_txt, folded; "" for a plain label                                            |
| author, name, commit       | fact_txt, folded, under the key named ""; nothing where it is not known           |
| data set                   | fact_txt, folded, under the key named "": the name, and the digest                |
| file                       | fact_txt, folded, under the key named "": the path, and its last part              |
| environment                | env_fact, folded, by environment                                                  |

A name stands for one value, the one that lists show: where a registry said it more than once, the rest is in `detail`.
A version is unmade again from the same facts, read from its stored rows (`Facts.row`, `Facts.files`), so no index leads
from versions to their facts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from lineal.index import document
from lineal.index.document import Documents, Pairs
from lineal.index.folding import FactKind, fold, number
from lineal.index.identity import bounded
from lineal.model.version import Code, Dataset, Environment, Version

Key = tuple[FactKind, str]  # kind and name
_encode = msgspec.json.Encoder().encode


def plain(value: Any) -> str:
    """Return a parameter's value as people write it: `true`, `null`, text as it is, lists and mappings as JSON."""
    return value if type(value) is str else _encode(value).decode()


class Facts:
    """The facts of many versions, gathered by key: that is how they are stored, and so each key is looked up once."""

    def __init__(self) -> None:
        self.numbers: dict[Key, list[tuple[float, int]]] = defaultdict(list)  # (value, version id)
        self.texts: dict[Key, list[tuple[str, int]]] = defaultdict(list)

    def version(self, number: int, version: Version, params: Pairs) -> None:
        """Add a version as it is said; `params` are its `document.param_pairs`."""
        self._params(number, dict(params))
        self._metrics(number, document.shown(version.metrics))
        self._tags(number, {tag.key: tag.value for tag in version.tags})
        self._texts(number, version.name, version.author, version.datasets, version.code)

    def row(self, number: int, name: str, author: str, said: Documents) -> None:
        """Add a version as it is stored: the same facts."""
        rest = document.detail(said.detail)
        self._params(number, document.objects(said.params))
        self._metrics(number, document.objects(said.metrics))
        self._tags(number, document.objects(said.tags))
        self._texts(number, name, author, rest.datasets, rest.code)

    def files(self, number: int, paths: Iterable[str]) -> None:
        """Add what the files of a version are known by."""
        texts = self.texts[FactKind.FILE, ""]
        for path in paths:
            texts += [(fold(name), number) for name in of_path(path)]

    def _params(self, version_id: int, said: Mapping[str, Any]) -> None:
        numbers, texts = self.numbers, self.texts
        for name, value in said.items():
            key = (FactKind.PARAM, name)
            texts[key].append((fold(plain(value)), version_id))
            kind = type(value)
            if kind is float or kind is int:
                numbers[key].append((float(value), version_id))
            elif kind is str and (found := number(value)) is not None:
                numbers[key].append((found, version_id))

    def _metrics(self, version_id: int, said: Mapping[str, Any]) -> None:
        for name, value in said.items():
            if value != "NaN":
                self.numbers[FactKind.METRIC, name].append((float(value), version_id))

    def _tags(self, version_id: int, said: Mapping[str, str]) -> None:
        for key, value in said.items():
            self.texts[FactKind.TAG, key].append((fold(value), version_id))

    def _texts(self, version_id: int, name: str, author: str, datasets: Iterable[Dataset], code: Code | None) -> None:
        said = [(FactKind.NAME, name), (FactKind.AUTHOR, author), (FactKind.COMMIT, code.commit if code else "")]
        said += [(FactKind.DATASET, text) for data in datasets for text in (data.name, data.digest)]
        for kind, text in said:
            if text:
                self.texts[kind, ""].append((fold(text), version_id))


def of_path(path: str) -> tuple[str, ...]:
    """Return what a file is known by: its path, also without the `/` that ends a folder's, and the last part."""
    bare = path.rstrip("/")
    return path, bare, bare.rpartition("/")[2]


def of_environment(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield (name, folded value) of everything an environment records; packages by their own names."""
    for name in ("python", "os", "cuda", "cudnn", "driver", "cpu", "image"):
        if value := getattr(environment, name):
            yield name, fold(value)
    for gpu in environment.gpus:
        yield "gpu", fold(gpu)
    for package in environment.packages:
        yield bounded(package.name), fold(package.version)
