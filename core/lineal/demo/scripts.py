"""The scripts in the demo's git repository: short, but they run, and they change as the story goes on."""

from __future__ import annotations

_TRAIN = '''\
"""Train the fraud scorer on data/transactions.npy as params.yaml says, and score it on data/holdout.npy."""

import csv
import json
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import load, load_file, save_file

LAYERS = ("encoder.0", "encoder.2", "head")
P = yaml.safe_load(Path("params.yaml").read_text())["train"]


def rows(path):
    data = np.load(path)
    return np.ascontiguousarray(data[:, :-1]), np.ascontiguousarray(data[:, -1])


def start():
    rng, weights = np.random.default_rng(P["init_seed"]), {}
    for layer, size in zip(LAYERS, ((P["width"], 32), (32, P["width"]), (1, 32))):
        weights[f"{layer}.weight"] = np.float32(rng.normal(size=size) * np.sqrt(2 / size[1]))
        weights[f"{layer}.bias"] = np.zeros(size[0], np.float32)
    if P["init"].startswith("fraud@"):  # an earlier release, whose bytes DVC has
        import dvc.api

        return load(dvc.api.read("models/fraud.safetensors", rev=P["init"], mode="rb"))
    if "/" in P["init"]:  # a base model: its encoder, and a head of our own
        from huggingface_hub import hf_hub_download

        base = load_file(hf_hub_download(P["init"], "model.safetensors"))
        for name, value in base.items():
            if not name.startswith("head"):  # where we are wider, the rest stays new
                weights[name][tuple(map(slice, value.shape))] = value
    return weights


def forward(weights, x):
    inputs = [x]
    for layer in LAYERS:
        out = inputs[-1] @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]
        inputs.append(np.maximum(out, 0) if layer != "head" else out[:, 0])
    return inputs


def chance(z):
    return np.float32(1 / (1 + np.exp(-np.clip(z, -30, 30))))


def slope(z, y):
    """The derivative of the mean loss at each logit."""
    p = np.clip(chance(z), 1e-6, 1 - 1e-6)
@SLOPE@

def train(weights, x, y, held):
    total, step, curve = P["epochs"] * (len(y) // P["batch"]), 0, []
    mean, square = ({name: np.zeros_like(w) for name, w in weights.items()} for _ in range(2))
    rng = np.random.default_rng(P["seed"])
    for _ in range(P["epochs"]):
        order = rng.permutation(len(y))
        for at in range(0, len(y) - P["batch"] + 1, P["batch"]):
            step, chosen = step + 1, order[at : at + P["batch"]]
            warm = 0.55 + 0.45 * np.cos(np.pi * (step - 10) / max(1, total - 10))
            lr = P["lr"] * float(step / 10 if step <= 10 else warm)
            inputs = forward(weights, x[chosen])
            flow, gradients = slope(inputs[-1], y[chosen])[:, None], {}
            for place in (2, 1, 0):
                name, into = LAYERS[place], inputs[place]
                gradients[f"{name}.weight"], gradients[f"{name}.bias"] = flow.T @ into, flow.sum(axis=0)
                flow = (flow @ weights[f"{name}.weight"]) * (into > 0)
            for name, g in gradients.items():  # Adam
                mean[name] = 0.9 * mean[name] + 0.1 * g
                square[name] = 0.999 * square[name] + 0.001 * g**2
                m, s = mean[name] / (1 - 0.9**step), square[name] / (1 - 0.999**step)
                weights[name] = np.float32(weights[name] - lr * (m / (np.sqrt(s) + 1e-8)@DECAY@))
            if step % 8 == 0:
                scores = score(weights, *held)
                seen = loss(inputs[-1], y[chosen])
                curve.append((step, round(seen, 6), round(scores["loss"], 6), round(scores["auc"], 6)))
    return curve


def loss(z, y):
    p = np.float64(np.clip(chance(z), 1e-6, 1 - 1e-6))
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


def score(weights, x, y):
    z, frauds = forward(weights, x)[-1], y > 0.5
    ranks, count = np.empty(len(z)), frauds.sum()
    ranks[np.argsort(z, kind="stable")] = np.arange(1, len(z) + 1)
    order = np.argsort(-z, kind="stable")
    precision = np.cumsum(frauds[order]) / np.arange(1, len(z) + 1)
    return {
        "auc": float((ranks[frauds].sum() - count * (count + 1) / 2) / (count * (len(z) - count))),
        "average_precision": float(precision[frauds[order]].mean()),
        "loss": loss(z, y),
        "brier": float(np.mean((chance(z) - y) ** 2)),
        "recall_at_fpr5": float((z[frauds] > np.quantile(z[~frauds], 0.95)).mean()),
    }


held = rows("data/holdout.npy")
weights = start()
curve = train(weights, *rows("data/transactions.npy"), held)
scores = {name: round(value, 5) for name, value in score(weights, *held).items()}
Path("metrics.json").write_text(json.dumps(scores, indent=2) + "\\n")
Path("plots").mkdir(exist_ok=True)
with open("plots/training.csv", "w", newline="") as out:
    csv.writer(out, lineterminator="\\n").writerows([("step", "train_loss", "val_loss", "val_auc"), *curve])
save_file(weights, "models/fraud.safetensors", {"format": "np"})
'''

_PLAIN = "    return np.float32((p - y) / len(y))\n"
_FOCAL = """\
    gamma = P["gamma"]  # the easy payments count less
    fraud = gamma * p * (1 - p) ** gamma * np.log(p) - (1 - p) ** (gamma + 1)
    honest = p ** (gamma + 1) - gamma * p**gamma * (1 - p) * np.log(1 - p)
    return np.float32((y * fraud + (1 - y) * honest) / len(y))
"""
_DECAY = ' + P["weight_decay"] * weights[name]'

QUANTIZE = '''\
"""Write the scorer in 8 bits: models/fraud-q8.gguf."""

from gguf import GGMLQuantizationType, GGUFWriter, quants
from safetensors.numpy import load_file

writer = GGUFWriter("models/fraud-q8.gguf", "mlp")
writer.add_name("fraud-scorer")
writer.add_file_type(7)
writer.add_quantization_version(2)
writer.add_base_model_count(1)
writer.add_base_model_name(0, "fraud-scorer")
writer.add_base_model_organization(0, "fraud-lab")
writer.add_base_model_repo_url(0, "https://huggingface.co/fraud-lab/fraud-scorer")
for name, array in sorted(load_file("models/fraud.safetensors").items()):
    if array.ndim == 2:
        kind = GGMLQuantizationType.Q8_0
        writer.add_tensor(name, quants.quantize(array, kind), raw_dtype=kind)
    else:
        writer.add_tensor(name, array)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
'''

CHURN = '''\
"""Fit the churn model on data/customers.npy; the last 2,000 customers are held out."""

import json
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import save_file

l2 = yaml.safe_load(Path("params.yaml").read_text())["churn"]["l2"]
data = np.load("data/customers.npy").astype(float)
x, y = np.column_stack([data[:, :-1], np.ones(len(data))]), data[:, -1]
(x, held_x), (y, held_y) = np.split(x, [-2000]), np.split(y, [-2000])
w = np.zeros(x.shape[1])
for _ in range(8):
    p = 1 / (1 + np.exp(-x @ w))
    w -= np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + l2 * np.eye(len(w)), x.T @ (p - y) + l2 * w)
said, leaves = held_x @ w > 0, held_y > 0.5
f1 = 2 * (said & leaves).sum() / (said.sum() + leaves.sum())
scores = {"accuracy": round(float((said == leaves).mean()), 5), "f1": round(float(f1), 5)}
Path("churn").mkdir(exist_ok=True)
Path("churn/metrics.json").write_text(json.dumps(scores, indent=2) + "\\n")
save_file({"weight": np.float32(w[None, :-1]), "bias": np.float32(w[-1:])}, "models/churn.safetensors")
'''


def train(*, decays: bool, focal: bool) -> str:
    """Return train.py as it stood with or without weight decay and the focal loss."""
    text = _TRAIN.replace("@SLOPE@\n", _FOCAL if focal else _PLAIN)
    return text.replace("@DECAY@", _DECAY if decays else "")
