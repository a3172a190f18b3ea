"""Which metrics say most about a version, where there is room for a few."""

from __future__ import annotations

import re

BESIDES = 500
"""The rank from which a metric says little about how good a version is."""
_FIRST = (
    "auc", "roc_auc", "f1", "accuracy", "acc", "average_precision", "map", "exact_match", "bleu", "wer", "rmse", "mae",
    "perplexity", "loss",
)  # fmt: skip
_LAST = re.compile(
    r"epoch|step|runtime|per_second|learning_rate|^lr\b|grad_norm|flos|time|memory|duration|utili[sz]ation|^system/"
)
_SPLIT = re.compile(r"^(?:val|valid|validation|eval|test|dev)[_/.-]|.*/")
_TRAIN = re.compile(r"^train(?:ing)?[_/.-]")


def telling(name: str) -> int:
    """Rank a metric by its name: quality first, then what nobody knows, bookkeeping last."""
    lower = name.lower()
    if _LAST.search(lower):
        return 2 * BESIDES
    bare = _SPLIT.sub("", lower)
    known = _FIRST.index(bare) + (50 if bare != lower else 0) if bare in _FIRST else 100
    return known + (BESIDES if _TRAIN.match(bare) or _TRAIN.match(lower) else 0)
