"""Open a demo's model files with their formats' own libraries: `FOLDER`; prints what each holds."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from gguf import GGUFReader, quants
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

root = Path(sys.argv[1])
found = {"safetensors": {}, "gguf": {}, "onnx": {}, "events": {}}


def score(weights, features):
    for layer in ("encoder.0", "encoder.2", "head"):
        features = features @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]
        features = np.maximum(features, 0) if layer != "head" else 1 / (1 + np.exp(-features))
    return features


for path in sorted(root.rglob("*.safetensors")):
    tensors = load_file(path)
    found["safetensors"][str(path.relative_to(root))] = {name: list(value.shape) for name, value in tensors.items()}
for path in sorted((root / "runs").rglob("*.gguf")):
    reader = GGUFReader(path)
    values = {tensor.name: quants.dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}
    exact = load_file(root / "risk-models-2.2.0.safetensors")
    worst = max(float(np.abs(values[name] - exact[name]).max() / np.abs(exact[name]).max()) for name in exact)
    name = reader.fields["general.base_model.0.repo_url"].contents()
    found["gguf"][path.name] = {"worst": worst, "base": name, "tensors": len(values)}
for path in sorted((root / "mlruns").rglob("*.onnx")):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    features = np.random.default_rng(1).normal(size=(5, 32)).astype(np.float32)
    (theirs,) = ReferenceEvaluator(model).run(None, {"features": features})
    ours = score(load_file(path.with_name("model.safetensors")), features)
    found["onnx"][str(path.relative_to(root))] = float(np.abs(theirs - ours).max())
for path in sorted(root.rglob("events.out.tfevents.*")):
    events = EventAccumulator(str(path))
    events.Reload()
    found["events"] = {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
print(json.dumps(found))
