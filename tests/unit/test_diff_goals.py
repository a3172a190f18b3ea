"""Which way a metric gets better, and who says so."""

from __future__ import annotations

import pytest

from lineal.config import MetricRule
from lineal.diff.goals import Goals, GoalSource, known
from lineal.model.values import Goal


@pytest.mark.parametrize(
    "name",
    [
        "loss", "val_loss", "train/loss", "eval_loss", "train_loss_epoch", "valLoss", "error", "err",
        "error_rate", "rmse", "mean_absolute_error", "root_mean_squared_error", "perplexity", "latency",
        "latency_ms", "latency_ms_p99", "wer", "log_loss", "cross_entropy", "brier_score", "top5_error",
        "false_positive_rate", "eval_runtime", "time_to_first_token", "training_time", "seconds_per_step",
        "neg_log_likelihood",
    ],
)  # fmt: skip
def test_names_of_errors_and_times_are_to_be_small(name: str) -> None:
    assert known(name) is Goal.MIN


@pytest.mark.parametrize(
    "name",
    [
        "acc", "accuracy", "eval/accuracy", "balanced_accuracy_score", "auc", "roc_auc", "val-AUC",
        "test.f1_macro", "f1-score", "testF1", "precision_macro", "recall@5", "bleu", "eval_rougeLsum",
        "rouge1", "r2", "r2_score", "mAP@50", "ndcg@10", "exact_match", "top1", "tokens_per_second",
        "eval_samples_per_second", "neg_mean_squared_error", "mean_reward", "explained_variance",
        "true_negative_rate", "neg_log_loss", "BERTScore", "mIoU",
    ],
)  # fmt: skip
def test_names_of_scores_are_to_be_great(name: str) -> None:
    assert known(name) is Goal.MAX


@pytest.mark.parametrize(
    "name",
    [
        "", "lr", "learning_rate", "epoch", "grad_norm", "foo", "loss_scale", "loss_weight", "accuracy_std",
        "accuracy_loss", "n_samples", "glossary", "account", "kl", "///", "x" * 100_000,
    ],
)  # fmt: skip
def test_a_name_that_says_nothing_or_both_has_no_goal(name: str) -> None:
    assert known(name) is None


def test_the_registry_wins_over_the_project_and_the_project_over_the_name() -> None:
    goals = Goals({"loss": MetricRule(goal=Goal.MAX)})
    assert goals.of("loss", [Goal.MIN, None]) == (Goal.MIN, GoalSource.REGISTRY)
    assert goals.of("loss") == (Goal.MAX, GoalSource.CONFIG)
    assert goals.of("val_loss") == (Goal.MIN, GoalSource.NAME)
    assert goals.of("foo") == (None, GoalSource.NOBODY)


def test_registries_that_contradict_one_another_are_not_believed_nor_is_the_name() -> None:
    assert Goals().of("loss", [Goal.MIN, Goal.MAX]) == (None, GoalSource.NOBODY)
    assert Goals({"loss": MetricRule(goal=Goal.MIN)}).of("loss", [Goal.MIN, Goal.MAX]) == (Goal.MIN, GoalSource.CONFIG)


def test_an_exact_rule_wins_over_a_pattern_and_the_first_pattern_over_the_second() -> None:
    low, high = MetricRule(goal=Goal.MIN), MetricRule(goal=Goal.MAX, noise=-0.5)
    goals = Goals({"val_*": low, "val_x*": high, "val_xy": high})
    assert goals.of("val_xy") == (Goal.MAX, GoalSource.CONFIG)
    assert goals.of("val_xz") == (Goal.MIN, GoalSource.CONFIG)
    assert goals.noise("val_xy") == 0.5
    assert goals.noise("other") == 0.0


def test_a_rule_that_speaks_of_noise_only_leaves_the_goal_to_the_name() -> None:
    assert Goals({"auc": MetricRule(noise=0.01)}).of("auc") == (Goal.MAX, GoalSource.NAME)
