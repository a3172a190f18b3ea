"""Which way a metric gets better, and who says so: the registry, `lineal.toml`, or its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

from lineal.errors import ConfigError
from lineal.model.values import Goal


class GoalSource(StrEnum):
    """Who says which way a metric gets better."""

    REGISTRY = "registry"
    CONFIG = "lineal.toml"
    NAME = "known name"
    NOBODY = ""


_MIN = frozenset(
    "loss losses error errors err rmse mse mae mape smape rmsle msle nll bce crossentropy xent logloss perplexity ppl wer cer"
    " ter eer fid kid lpips latency brier ece fpr fnr regret cost ttft".split()
)
_MAX = frozenset(
    "acc accuracy auc auroc auprc aucpr prauc rocauc ap map map50 f1 f2 fbeta fscore f1score precision recall sensitivity"
    " specificity tpr tnr ppv npv bleu sacrebleu rouge rouge1 rouge2 rougel rougelsum meteor chrf bertscore r2 ndcg mrr iou miou"
    " dice jaccard kappa mcc matthews pearson pearsonr spearman spearmanr correlation psnr ssim reward throughput elbo"
    " likelihood loglikelihood mmlu gini".split()
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
_NO_GOAL = frozenset(  # a setting, a count or a spread, whatever it is of
    "lr scale weight weights coef coefficient threshold std stdev stddev variance var count counts num n samples steps epoch epochs"
    " step norm alpha beta gamma lambda temperature momentum support".split()
)
_NEGATED = frozenset(("neg", "negative"))  # scikit-learn: neg_mean_squared_error is to be maximised
_WORDS = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST = 256  # characters of a name that are looked at


class Goals(msgspec.Struct, frozen=True):
    """What `lineal.toml` says: names of metrics, `*` and `?` allowed, in the order in which they are tried."""

    declared: tuple[tuple[str, Goal], ...] = ()

    @classmethod
    def parse(cls, table: Mapping[str, object]) -> Goals:
        """Read the table `[goals]`, as in `"val_*" = "min"`.

        Raises:
            ConfigError: a value is neither "max" nor "min".
        """
        return cls(tuple((name, _goal(name, value)) for name, value in table.items()))

    def of(self, metric: str, stated: Iterable[Goal | None] = ()) -> tuple[Goal | None, GoalSource]:
        """Return the goal of `metric` and who says so; `stated` is what the registries say, and they must agree."""
        said = {goal for goal in stated if goal is not None}
        if len(said) == 1:
            return said.pop(), GoalSource.REGISTRY
        if (goal := self._declared(metric)) is not None:
            return goal, GoalSource.CONFIG
        goal = None if said else known(metric)
        return goal, GoalSource.NAME if goal else GoalSource.NOBODY

    def _declared(self, metric: str) -> Goal | None:
        exact = [goal for name, goal in self.declared if name == metric]
        return next(iter(exact or [goal for name, goal in self.declared if fnmatchcase(metric, name)]), None)


def _goal(name: str, value: object) -> Goal:
    if isinstance(value, str) and value in tuple(Goal):
        return Goal(value)
    raise ConfigError(f"the goal of {name!r} is {value!r}", hint='write "max" or "min" under [goals] in lineal.toml')


def known(metric: str) -> Goal | None:
    """Tell the goal from the words of a name (`val_loss`, `eval/accuracy`, `testF1`); None if they say nothing or both."""
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
    goal = _vote(words)
    return _other(goal) if goal and _NEGATED.intersection(words) else goal


def _vote(words: list[str]) -> Goal | None:
    strong = {goal for names, goal in ((_MIN, Goal.MIN), (_MAX, Goal.MAX)) if names.intersection(words)}
    votes = strong or {_WEAK[word] for word in words if word in _WEAK}
    return votes.pop() if len(votes) == 1 else None


def _other(goal: Goal) -> Goal:
    return Goal.MIN if goal is Goal.MAX else Goal.MAX
