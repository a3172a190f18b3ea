"""References: how people and machines name a version, `[registry:]model[@selector]`.

The text is split at the last `@` and the first `:`. Canonical output always has the registry and percent-escapes
`% @ :` and controls in the model, `% @ ~` and controls in the selector; `/` and `#` are plain.

| selector              | names                                                            |
| (none), `latest`      | the newest version                                               |
| `v7`, `1.2.0`         | a version by its name                                            |
| `prod`                | what an alias points at; `prod~1` what it pointed at before      |
| `9f2c41ab`            | a version by 6 or more first characters of its id                |
| `v:X` `alias:X` `id:X`| only a version name, alias or id                                 |
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from lineal.errors import ConfigError

REGISTRY = re.compile(r"[a-z0-9][a-z0-9._-]*")
ID_PREFIX = 6
_ESCAPED = re.compile(r"%([0-7][0-9A-Fa-f])")
_BACK = re.compile(r"(?P<value>.*)~(?P<back>[0-9]{1,6})", re.DOTALL)


class SelectorKind(StrEnum):
    """What a selector may name; ANY tries version, alias and id in that order."""

    ANY = "any"
    VERSION = "v"
    ALIAS = "alias"
    ID = "id"
    LATEST = "latest"


class Selector(msgspec.Struct, frozen=True):
    """Which version of a model; `back` counts moves of an alias into the past."""

    kind: SelectorKind = SelectorKind.LATEST
    value: str = ""
    back: int = 0


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed reference. `raw` is the text as given: a model whose name is exactly that wins over this reading."""

    model: str
    registry: str = ""  # "" where none was given
    selector: Selector = Selector()
    raw: str = ""


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def _escape(text: str, special: str) -> str:
    return "".join(f"%{ord(c):02X}" if c in special or ord(c) < 0x20 or ord(c) == 0x7F else c for c in text)


def _selector(text: str) -> Selector:
    if not text or text == "latest":
        return Selector()
    kind = SelectorKind.ANY
    head, colon, rest = text.partition(":")
    if colon and head in {"v", "alias", "id"}:
        kind, text = SelectorKind(head), rest
    if kind in (SelectorKind.ANY, SelectorKind.ALIAS) and (match := _BACK.fullmatch(text)):
        return Selector(SelectorKind.ALIAS, _unescape(match["value"]), int(match["back"]))
    return Selector(kind, _unescape(text))


def parse(text: str) -> Reference:
    """Read a reference.

    Raises:
        ConfigError: it names no model, or its registry is not `[a-z0-9][a-z0-9._-]*`.
    """
    before, at, after = text.rpartition("@")
    rest = before if at else text
    registry, colon, model = rest.partition(":")
    if not colon:
        registry, model = "", rest
    if not model:
        raise ConfigError(f"{text!r} names no model", hint="write [registry:]model[@version], as in prod:churn@v7")
    if registry and not REGISTRY.fullmatch(registry):
        raise ConfigError(
            f"{registry!r} in {text!r} is no name of a registry",
            hint="write % @ : in a model's name as %25 %40 %3A; `lineal registry ls` lists the registries",
        )
    return Reference(registry=registry, model=_unescape(model), selector=_selector(after if at else ""), raw=text)


def canonical(registry: str, model: str, selector: Selector | str = "") -> str:
    """Print a reference so that `parse` reads the same back; a plain string is a version's name."""
    head = f"{registry}:{_escape(model, '%@:')}" if registry else _escape(model, "%@:")
    if isinstance(selector, str):
        selector = _named(selector) if selector else Selector()
    if selector.kind is SelectorKind.LATEST:
        return head
    value = _escape(selector.value, "%@~")
    if selector.kind is SelectorKind.ALIAS and selector.back:
        return f"{head}@{_prefix(selector)}{value}~{selector.back}"
    return f"{head}@{_prefix(selector)}{value}"


def _named(name: str) -> Selector:
    """A version's name as a selector, forced to `v:` where the plain text would be read as something else."""
    plain = Selector(SelectorKind.ANY, name)
    return plain if _selector(_escape(name, "%@~")) == plain else Selector(SelectorKind.VERSION, name)


def _prefix(selector: Selector) -> str:
    if selector.kind is SelectorKind.ANY or selector.back:
        return ""
    return f"{selector.kind}:"
