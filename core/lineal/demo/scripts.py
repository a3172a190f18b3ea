"""The scripts in the demo's git repository: short, but they run, and they change as the story goes on."""

from __future__ import annotations

_TRAIN = '''\
"""Train the fraud scorer on data/transactions.npy and score it on data/holdout.npy."""

import csv
import json
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import load_file, save_file

LAYERS = ("encoder.0", "encoder.2", "head")
params = yaml.safe_load(Path("params.yaml").read_text())["train"]
data, held = np.load("data/transactions.npy"), np.load("data/holdout.npy")


def forward(weights, x):
    inputs = [x]
    for layer in LAYERS:
        x = inputs[-1] @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]
        inputs.append(np.maximum(x, 0) if layer != "head" else x[:, 0])
    return inputs


def slope(z, y):
    """The derivative of the loss at each logit."""
    p = 1 / (1 + np.exp(-z))
@SLOPE@

def start():
    if Path(params["init"]).exists():
        return load_file(params["init"])
    rng = np.random.default_rng(params["seed"])
    sizes = ((params["width"], data.shape[1] - 1), (32, params["width"]), (1, 32))
    weights = {f"{n}.weight": rng.normal(size=s) * np.sqrt(2 / s[1]) for n, s in zip(LAYERS, sizes)}
    return weights | {f"{n}.bias": np.zeros(s[0]) for n, s in zip(LAYERS, sizes)}


weights, curve, step = start(), [], 0
rng = np.random.default_rng(params["seed"])
for epoch in range(params["epochs"]):
    for rows in np.array_split(rng.permutation(len(data)), len(data) // params["batch"]):
        step, x, y = step + 1, data[rows, :-1], data[rows, -1]
        inputs = forward(weights, x)
        flow = slope(inputs[-1], y)[:, None] / len(rows)
        for place in reversed(range(3)):
            name, into = LAYERS[place], inputs[place]
            change = flow.T @ into@DECAY@
            back = (flow @ weights[f"{name}.weight"]) * (into > 0)
            weights[f"{name}.bias"] = weights[f"{name}.bias"] - params["lr"] * flow.sum(0)
            weights[f"{name}.weight"] = weights[f"{name}.weight"] - params["lr"] * change
            flow = back
        curve.append((step, float(np.mean(np.logaddexp(0, inputs[-1]) - y * inputs[-1]))))

scores = forward(weights, held[:, :-1])[-1]
ranks, frauds = scores.argsort().argsort() + 1, held[:, -1] > 0.5
n = frauds.sum()
auc = (ranks[frauds].sum() - n * (n + 1) / 2) / (n * (len(scores) - n))
Path("metrics.json").write_text(json.dumps({"auc": round(float(auc), 5)}))
Path("plots").mkdir(exist_ok=True)
with open("plots/training.csv", "w", newline="") as out:
    csv.writer(out).writerows([("step", "train_loss"), *curve])
save_file({name: np.float32(value) for name, value in weights.items()}, "models/fraud.safetensors")
'''

_PLAIN = "    return p - y\n"
_FOCAL = """\
    focus = np.where(y > 0.5, 1 - p, p) ** params["gamma"]  # the easy ones count less
    return focus * (p - y)
"""
_DECAY = ' + params["weight_decay"] * weights[f"{name}.weight"]'

QUANTIZE = '''\
"""Write the scorer in 8 bits: models/fraud-q8.gguf."""

from gguf import GGMLQuantizationType, GGUFWriter, quants
from safetensors.numpy import load_file

writer = GGUFWriter("models/fraud-q8.gguf", "mlp")
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
"""Fit the churn model on data/customers.npy."""

import json
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import save_file

l2 = yaml.safe_load(Path("params.yaml").read_text())["churn"]["l2"]
data = np.load("data/customers.npy").astype(float)
x, y = np.column_stack([data[:, :-1], np.ones(len(data))]), data[:, -1]
w = np.zeros(x.shape[1])
for _ in range(8):
    p = 1 / (1 + np.exp(-x @ w))
    w -= np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + l2 * np.eye(len(w)), x.T @ (p - y) + l2 * w)
Path("churn").mkdir(exist_ok=True)
Path("churn/metrics.json").write_text(json.dumps({"accuracy": float(((x @ w > 0) == (y > 0.5)).mean())}))
save_file({"weight": np.float32(w[None, :-1]), "bias": np.float32(w[-1:])}, "models/churn.safetensors")
'''


def train(*, decays: bool, focal: bool) -> str:
    """Return train.py as it stood with or without weight decay and the focal loss."""
    text = _TRAIN.replace("@SLOPE@\n", _FOCAL if focal else _PLAIN)
    return text.replace("@DECAY@", _DECAY if decays else "")
