"""The two files at the root of the demo: lineal.toml, which names its registries, and a README that shows round."""

from __future__ import annotations

from lineal.demo.place import Place
from lineal.demo.reviewing import POLICY

TOML = """\
# The registries of the demo. Paths are relative to this file.
[registries.risk-models]
kind = "dvc"
url = "risk-models"

[registries.mlflow]
kind = "mlflow"
url = "mlruns"

[registries.hub]
kind = "huggingface"
url = "hub"

[registries.runs]
kind = "checkpoints"
url = "runs"

# Only these: what else is on this machine has no part in the demo.
[discovery]
enabled = false

# Which way each metric gets better.
[metrics]
auc = "max"
average_precision = "max"
recall_at_fpr5 = "max"
loss = "min"
brier = "min"
"""

README = """\
# fraud-lab, a demo of Lineal

Everything here is real: the models were trained on this machine a moment ago, and `dvc`, `gto`, `mlflow`
(with MLFLOW_ALLOW_FILE_STORE=true) and `huggingface_hub` read these folders as their own.

| folder | what |
|---|---|
| `risk-models/` | a git repository with DVC and GTO: nine releases of a fraud scorer, one bad, rolled back; churn |
| `dvc-remote/` | where DVC pushed the bytes; those of 1.1.0 nobody pushed |
| `mlruns/` | MLflow: the same releases, distilled children, a sweep |
| `hub/` | a Hugging Face cache: the base, the scorer, an adapter, 8 bits, half a download |
| `runs/` | checkpoint folders: HF Trainer, Lightning, Hydra, TensorBoard, GGUF, ONNX |
| `.lineal/` | Lineal's own store with three checkpoints, and the record of what people did |

Try:

    lineal ls 'model:fraud* metric.auc>=0.9'
    lineal diff mlflow:fraud-scorer@champion mlflow:fraud-scorer@challenger
    lineal diff mlflow:fraud-scorer@v5 mlflow:fraud-scorer@v6      # why did it get worse?
    lineal lineage mlflow:fraud-scorer@champion
    lineal inbox                                                   # what waits for a review
    lineal check risk-models:fraud@wide-128 --for prod             # why it must not ship
    lineal who risk-models:fraud@prod --at 2026-10-05              # what was prod on a day
    lineal approve risk-models:fraud@v2.3.0 --for prod             # then: lineal promote ... --to prod
    lineal rollback risk-models:fraud --alias prod                 # and back
"""


def write(place: Place, at: float) -> None:
    """Write both files."""
    place.write("lineal.toml", TOML + POLICY, at)
    place.write("README.md", README, at)
