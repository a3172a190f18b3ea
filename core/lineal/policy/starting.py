"""The policy that `lineal policy init` writes: a start for the models that are there, and the rest to choose from.

What nothing is known of stands there as a comment, to be chosen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from lineal.model.text import UNSAFE
from lineal.model.values import Goal

LIVE = ("prod", "production", "champion", "live")  # what an alias is called that is in use, surest first
BEFORE = ("staging", "challenger", "candidate", "preprod", "test")
RETIRED = ("archived", "retired")
_METRICS = 3  # of a model
_MODELS = 3
_LONGEST = 100  # characters of a name
_PLACE = re.compile(r"\{(alias|models|after|approvals|archive|metrics)\}")

TEMPLATE = r"""# What must hold before an alias moves. `lineal policy explain` says it in sentences,
# `lineal policy test FILE` tries it on made-up versions, `lineal check VERSION --for ALIAS` on real ones.

[policy]
owner = "owner"                         # the tag that names who owns a version

# [policy.names]                        # patterns for whole names
# model = '[a-z][a-z0-9-]*'
# version = 'v\d+|\d+\.\d+\.\d+'
# tag = '[a-z][a-z0-9_.-]*'             # the key of a tag
# alias = 'staging|prod|archived'

[[gate]]                                # any number of these; all that apply must let a version through
{alias}
{models}
# registries = ["mlflow"]               # default: all
require = ["environment"]               # also: "data", "code", "parent", "owner", "card"
# clean = true                          # its code is committed, and in a branch of a remote
# branches = ["main"]                   # ... in one of these
{after}
{approvals}
# approvers = ["mira", "*@example.com"] # default: anybody but the author
# signers = "allowed_signers"           # a file beside this one: only signed approvals count
{archive}
# counterparts = ["gto:churn"]          # models of other registries that are moved in the same plan

[gate.files]
safe = true                             # no pickle, or a scan without findings
# verified = true                       # the bytes were compared with what is recorded
# largest = "5 GB"                      # all files together

# [gate.environment]                    # ranges as in PEP 440: packages, python, cuda, cudnn, driver
# python = ">=3.11,<3.13"
# torch = ">=2.1,<3"

# [[gate.command]]                      # runs only after `lineal trust`
# name = "smoke"
# run = ["python", "tests/smoke.py", "{files}"]
# timeout = "5m"

{metrics}

# [[on]]                                # after an event; it never holds the event up
# name = "chat"
# event = ["promoted", "rolled_back"]
# aliases = ["prod"]
# url = "https://hooks.example.com/x"   # or run = [...]
# secret_env = "LINEAL_HOOK_SECRET"     # the variable with the key that signs what is posted
# timeout = "10s"
# tries = 3
"""

_METRIC = """[[gate.metric]]
name = {name}
goal = {goal}
{bound}
no_worse = true                         # than the version that holds the alias
# noise = 0.002                         # by how much worse still counts as equal; also "1%"
# dataset = "holdout"                   # the data that both must have been measured on"""


def starter(
    models: Sequence[str] = (),
    aliases: Sequence[str] = (),
    metrics: Mapping[str, Mapping[str, Goal]] | None = None,
    *,
    policy: bool = True,
) -> str:
    """Return a first policy as TOML, made of what there is.

    Args:
        models: names of models, shown to choose from.
        aliases: names in use; the one that sounds most like production gets the gate.
        metrics: by a model's name what is measured of it, the most telling first, and which way each gets better.
        policy: whether to write `[policy]` as well.
    """
    models, aliases = [name for name in models if _plain(name)], [name for name in aliases if _plain(name)]
    alias = live(aliases)
    before, archive = _first(BEFORE, aliases), _first(RETIRED, aliases)
    gates = [_measured(alias, model, found) for model, found in (metrics or {}).items() if _plain(model)]
    written = list(filter(None, gates))[:_MODELS]
    values = {
        "alias": _line(f"alias = {_text(alias)}", "a glob, or several"),
        "models": _line(f"# models = {_list(models[:5]) if models else _list(['churn', 'fraud-*'])}", "default: all"),
        "after": _off(not before, f"after = {_text(before or 'staging')}", "it must have, or have had, this alias")
        + "\n"
        + _line('# at_least = "24h"', "for so long"),
        "approvals": _line("approvals = 1", "how many people must say yes"),
        "archive": _off(
            not archive, f"archive = {_text(archive or 'archived')}", "the alias that the version it replaces gets"
        ),
        "metrics": "\n\n".join(written) or _commented(_metric("auc", Goal.MAX)),
    }
    text = _PLACE.sub(lambda found: values[found[1]], TEMPLATE)
    return text if policy else text[text.index("[[gate]]") :]


def live(aliases: Sequence[str]) -> str:
    """Return the alias that sounds most like production, or `prod` where none does."""
    return _first(LIVE, [name for name in aliases if _plain(name)]) or "prod"


def _measured(alias: str, model: str, metrics: Mapping[str, Goal]) -> str:
    """Return a gate for what is measured of one model, or "" where nothing is."""
    rules = [_metric(name, goal) for name, goal in metrics.items() if _plain(name)][:_METRICS]
    head = f"[[gate]]\nalias = {_text(alias)}\nmodels = {_list([model])}"
    return "\n\n".join([head, *rules]) if rules else ""


def _metric(name: str, goal: Goal) -> str:
    bound = "# min = 0.9" if goal is Goal.MAX else "# max = 0.5"
    return _METRIC.format(name=_text(name), goal=_text(str(goal)), bound=bound)


def _first(wanted: Sequence[str], there: Sequence[str]) -> str:
    """Return the first of the names that is there, as it is written there."""
    known = {name.lower(): name for name in reversed(there)}
    return next((known[name] for name in wanted if name in known), "")


def _plain(name: str) -> bool:
    """Say whether a name looks like what it is: what hides or reorders characters is not written into a policy."""
    return bool(name.strip()) and not UNSAFE.search(name) and len(name) <= _LONGEST


def _text(value: str) -> str:
    """Write a text as TOML does: JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False)


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(_text(value) for value in values)}]"


def _line(text: str, remark: str) -> str:
    return f"{text:<39} # {remark}"


def _off(out: bool, text: str, remark: str) -> str:
    return _line(f"# {text}" if out else text, remark)


def _commented(text: str) -> str:
    lines = (line.removeprefix("# ") for line in text.split("\n"))
    return "\n".join(f"# {line.replace('     #', '   #') if line.startswith('no_worse') else line}" for line in lines)
