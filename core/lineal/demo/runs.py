"""Folders of checkpoints as training frameworks leave them: HF Trainer, Lightning, Hydra, TensorBoard, exports."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime

from lineal.demo import hub, story
from lineal.demo.events import Scalar, events
from lineal.demo.lab import BASE, Lab, Made, adapter_file, model_file
from lineal.demo.network import Point, Settings, Weights
from lineal.demo.place import Place, to_json, to_yaml
from lineal.demo.repository import requirements
from lineal.demo.story import Calendar
from lineal.demo.weights import onnx

FOLDER = "runs"
_TRAINER = f"{FOLDER}/fraud-scorer-2.3.0"
_HOST = "gpu-03"
_SECONDS = 1.7


class Runs:
    """Writes the checkpoint folders of the demo."""

    def __init__(self, place: Place, lab: Lab, dates: Calendar) -> None:
        self._place, self._lab, self._dates = place, lab, dates

    def write(self) -> None:
        """Write everything."""
        self._trainer()
        self._lightning()
        self._hydra()
        self._exports()

    def _trainer(self) -> None:
        """Leave the training of the last release as HF Trainer does, without the pickled arguments."""
        release, made = story.RELEASES[-1], self._lab.release(len(story.RELEASES))
        start = self._dates.ago(release.days, 20)
        config = to_json({"_name_or_path": hub.SCORER, **hub.config(release.width, release.stack)})
        for step in story.HALFWAY:
            at, folder = start + step * _SECONDS, f"{_TRAINER}/checkpoint-{step}"
            self._place.write(f"{folder}/config.json", config, at)
            self._place.write(f"{folder}/model.safetensors", model_file(made.checkpoints[step]), at)
            self._place.write(f"{folder}/trainer_state.json", to_json(_trainer_state(made, step)), at)
        end = start + made.curve[-1].step * _SECONDS
        self._place.write(f"{_TRAINER}/config.json", config, end)
        self._place.write(f"{_TRAINER}/model.safetensors", made.data, end)
        self._place.write(f"{_TRAINER}/requirements.txt", requirements(release.stack), end)
        name = f"{datetime.fromtimestamp(start, UTC):%b%d_%H-%M-%S}_{_HOST}"
        file = f"{_TRAINER}/runs/{name}/events.out.tfevents.{start}.{_HOST}.4242.0"
        self._place.write(file, events(start, _scalars(made.curve, start)), end)

    def _lightning(self) -> None:
        """Leave two trainings of the travel adapter as Lightning does: one stopped early, one that went on."""
        made = self._lab.adapter
        first, second = sorted(made.checkpoints)
        last = made.curve[-1].step
        self._version(0, {first: made.checkpoints[first]}, made.curve[: first // 8], lr=5e-3)
        self._version(1, {second: made.checkpoints[second], last: made.weights}, made.curve, lr=5e-3)

    def _version(self, number: int, kept: dict[int, Weights], curve: list[Point], *, lr: float) -> None:
        start = self._dates.ago(13.5 - number / 2)
        folder = f"{FOLDER}/travel-lora/lightning_logs/version_{number}"
        hparams = {"base_model": hub.SCORER, "lr": lr, "epochs": 12, "batch": 128, "lora": {"r": 4, "alpha": 8.0}}
        end = start + curve[-1].step * _SECONDS
        self._place.write(f"{folder}/hparams.yaml", to_yaml(hparams), end)
        self._place.write(f"{folder}/metrics.csv", _sparse(curve), end)
        for step, pairs in kept.items():
            epoch = int(step * 12 / self._lab.adapter.curve[-1].step - 0.01)  # counted from 0
            at = start + step * _SECONDS
            self._place.write(f"{folder}/checkpoints/epoch={epoch}-step={step}.safetensors", adapter_file(pairs), at)

    def _hydra(self) -> None:
        """Leave a run of the wider network as Hydra does."""
        settings = Settings(lr=2e-3, epochs=14, weight_decay=0.05)
        made = self._lab.variant(settings, width=128)
        at = self._dates.ago(1, 60)
        folder = f"{FOLDER}/outputs/{datetime.fromtimestamp(at, UTC):%Y-%m-%d/%H-%M-%S}"
        chosen = {"width": 128, "init": BASE}
        config = {"model": chosen, "train": {"lr": settings.lr, "epochs": 14, "weight_decay": 0.05, "seed": 7}}
        self._place.write(f"{folder}/.hydra/config.yaml", to_yaml(config), at)
        self._place.write(f"{folder}/.hydra/overrides.yaml", to_yaml(["model.width=128", "train.lr=0.002"]), at)
        job = {"hydra": {"job": {"name": "train", "num": 0}, "runtime": {"version": "1.3.2", "cwd": "/srv/train"}}}
        self._place.write(f"{folder}/.hydra/hydra.yaml", to_yaml(job), at)
        self._place.write(f"{folder}/model.safetensors", made.data, at)
        self._place.write(f"{folder}/train.log", f"auc {made.metrics['auc']}\n", at)

    def _exports(self) -> None:
        """Leave what was exported for other runtimes: the same bytes as in the cache and in MLflow."""
        data, _ = self._lab.quantised(8)
        self._place.write(f"{FOLDER}/exports/fraud-scorer-2.2.0-q8_0.gguf", data, self._dates.ago(16))
        graph = onnx(self._lab.student(8).weights, {"teacher": "fraud-scorer/8", "base_model": BASE})
        self._place.write(f"{FOLDER}/exports/fraud-scorer-edge.onnx", graph, self._dates.ago(16))


def _trainer_state(made: Made, step: int) -> dict[str, object]:
    """Return a trainer_state.json at `step`, field by field as transformers 5 writes it."""
    settings = made.settings
    best = max(story.HALFWAY[: story.HALFWAY.index(step) + 1], key=lambda kept: _at(made.curve, kept).val_auc)
    return {
        "best_global_step": best,
        "best_metric": _at(made.curve, best).val_auc,
        "best_model_checkpoint": f"{_TRAINER}/checkpoint-{best}",
        "epoch": _at(made.curve, step).epoch,
        "eval_steps": 200,
        "global_step": step,
        "is_hyper_param_search": False,
        "is_local_process_zero": True,
        "is_world_process_zero": True,
        "log_history": _history(made.curve, step),
        "logging_steps": 8,
        "max_steps": settings.epochs * 62,
        "num_input_tokens_seen": 0,
        "num_train_epochs": settings.epochs,
        "save_steps": 200,
        "stateful_callbacks": {},
        "total_flos": 0.0,
        "train_batch_size": settings.batch,
        "trial_name": None,
        "trial_params": None,
    }


def _at(curve: list[Point], step: int) -> Point:
    return next(point for point in curve if point.step == step)


def _history(curve: list[Point], until: int) -> list[dict[str, float]]:
    entries: list[dict[str, float]] = []
    for point in curve:
        if point.step > until:
            break
        entries.append({"epoch": point.epoch, "learning_rate": point.lr, "loss": point.train_loss, "step": point.step})
        if point.step % 200 == 0:
            scores = {"eval_auc": point.val_auc, "eval_loss": point.val_loss}
            entries.append({"epoch": point.epoch, **scores, "step": point.step})
    return entries


def _scalars(curve: list[Point], start: float) -> Iterable[Scalar]:
    for point in curve:
        at = start + point.step * _SECONDS
        yield at, point.step, "train/loss", point.train_loss
        yield at, point.step, "train/learning_rate", point.lr
        yield at, point.step, "eval/auc", point.val_auc
        yield at, point.step, "eval/loss", point.val_loss


def _sparse(curve: list[Point]) -> str:
    """Return a metrics.csv as Lightning's logger writes it: each row holds only what was logged at that moment."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("epoch", "step", "train_loss", "val_auc", "val_loss"))
    for point in curve:
        epoch = int(point.epoch - 0.01)
        writer.writerow((epoch, point.step, point.train_loss, "", ""))
        writer.writerow((epoch, point.step, "", point.val_auc, point.val_loss))
    return out.getvalue()
