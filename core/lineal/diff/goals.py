"""Which way a metric gets better, and who says so: the registry, `lineal.toml`, or its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

from lineal.config import MetricRule
from lineal.model.values import Goal


class GoalSource(StrEnum):
    """Who says which way a metric gets better."""

    REGISTRY = "registry"
    CONFIG = "lineal.toml"
    NAME = "known name"
    NOBODY = ""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MIN = _words(
    "loss losses error errors err rmse mse mae mape smape rmsle msle nll bce crossentropy xent logloss perplexity "
    "ppl wer cer ter eer fid kid lpips latency brier ece fpr fnr regret cost ttft"
)
_MAX = _words(
    "acc accuracy auc auroc auprc aucpr prauc rocauc ap map map50 f1 f2 fbeta fscore f1score precision recall "
    "sensitivity specificity tpr tnr ppv npv bleu sacrebleu rouge rouge1 rouge2 rougel rougelsum meteor chrf "
    "bertscore r2 ndcg mrr iou miou dice jaccard kappa mcc matthews pearson pearsonr spearman spearmanr "
    "correlation psnr ssim reward throughput elbo likelihood loglikelihood mmlu gini"
)
_WEAK = {  # these decide only where no stronger word does: brier_score is an error, top5_error too
    **dict.fromkeys(("score", "top1", "top5", "return", "elo", "lift"), Goal.MAX),
    **dict.fromkeys(("ms", "sec", "secs", "seconds", "time", "duration", "runtime", "elapsed", "memory"), Goal.MIN),
}
_PHRASES = (  # whole words, before single words count
    ("per_second", Goal.MAX),
    ("per_sec", Goal.MAX),
    ("time_to", Goal.MIN),
    ("false_positive", Goal.MIN),
    ("false_negative", Goal.MIN),
    ("false_positives", Goal.MIN),
    ("false_negatives", Goal.MIN),
    ("true_positive_rate", Goal.MAX),
    ("true_negative_rate", Goal.MAX),
    ("cross_entropy", Goal.MIN),
    ("explained_variance", Goal.MAX),
    ("exact_match", Goal.MAX),
    ("win_rate", Goal.MAX),
)
_NO_GOAL = _words(
    "lr scale weight weights coef coefficient threshold std stdev stddev variance var count counts num norm support"
)
_NEGATED = frozenset(("neg", "negative"))  # scikit-learn: neg_mean_squared_error is to be maximised
_WORDS = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST = 256  # characters of a name that are looked at


class Goals(msgspec.Struct, frozen=True):
    """What `[metrics]` of `lineal.toml` says, by names in which `*` and `?` stand for others; exact names win."""

    rules: Mapping[str, MetricRule] = {}

    def of(self, metric: str, stated: Iterable[Goal | None] = ()) -> tuple[Goal | None, GoalSource]:
        """Return the goal of `metric` and who says so; `stated` is what the registries say, and they must agree."""
        said = {goal for goal in stated if goal is not None}
        if len(said) == 1:
            return said.pop(), GoalSource.REGISTRY
        rule = self._rule(metric)
        if rule is not None and rule.goal is not None:
            return rule.goal, GoalSource.CONFIG
        goal = None if said else known(metric)
        return goal, GoalSource.NAME if goal else GoalSource.NOBODY

    def noise(self, metric: str) -> float:
        """Return by how much the metric may change without meaning anything, in its own unit; 0.0 if nobody says."""
        rule = self._rule(metric)
        return abs(rule.noise) if rule is not None else 0.0

    def _rule(self, metric: str) -> MetricRule | None:
        exact = self.rules.get(metric)
        return exact or next((rule for name, rule in self.rules.items() if fnmatchcase(metric, name)), None)


def known(metric: str) -> Goal | None:
    """Tell the goal from the words of a name (`val_loss`, `eval/accuracy`); None if they say nothing, or both."""
    name = metric[:_LONGEST]
    return _of_words(_split(name)) or _of_words(_split(_CAMEL.sub("_", name)))


def _split(name: str) -> list[str]:
    return [word for word in _WORDS.split(name.lower()) if word]


def _of_words(words: list[str]) -> Goal | None:
    joined = f"_{'_'.join(words)}_"
    for phrase, goal in _PHRASES:
        if f"_{phrase}_" in joined:
            return goal
    if _NO_GOAL.intersection(words):
        return None
    voted = _vote(words)
    return _other(voted) if voted and _NEGATED.intersection(words) else voted


def _vote(words: list[str]) -> Goal | None:
    strong = {goal for names, goal in ((_MIN, Goal.MIN), (_MAX, Goal.MAX)) if names.intersection(words)}
    votes = strong or {_WEAK[word] for word in words if word in _WEAK}
    return next(iter(votes)) if len(votes) == 1 else None


def _other(goal: Goal) -> Goal:
    return Goal.MIN if goal is Goal.MAX else Goal.MAX
