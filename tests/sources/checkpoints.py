"""Checkpoint folders: those that the real tools write once a session, and small ones made by hand."""

from __future__ import annotations

import json
import pickle
import struct
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "oracles" / "scripts" / "training_write.py"
_written: dict[Path, Path] = {}


def tools(python: Path, temporary: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return the tree that the training tools wrote, and what they themselves read in it; written once a session.

    Nobody may change the tree.
    """
    if python not in _written:
        folder = temporary.mktemp("tools")
        done = subprocess.run([python, SCRIPT, folder / "tree"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        _written[python] = folder
    folder = _written[python]
    return folder / "tree", json.loads((folder / "expected.json").read_text())


def safetensors(path: Path, tensors: dict[str, bytes], metadata: dict[str, str] | None = None) -> Path:
    """Write a safetensors file of uint8 vectors."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    at = 0
    for name, data in tensors.items():
        header[name] = {"dtype": "U8", "shape": [len(data)], "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(tensors.values()))
    return path


def torch_zip(path: Path, value: Any) -> Path:
    """Write plain data in the form of torch's zip archives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(value, protocol=2))
        archive.writestr("archive/version", "3\n")
    return path


def trainer(folder: Path, steps: tuple[int, ...] = (2, 4), final: bytes = b"final") -> Path:
    """Write what the Trainer of transformers leaves: checkpoints with their states, and the final model."""
    log: list[dict[str, Any]] = []
    for step in steps:
        log.append({"step": step, "epoch": step / 4, "loss": 1 / step})
        state = {"global_step": step, "log_history": list(log), "best_model_checkpoint": str(folder / "checkpoint-2")}
        at = folder / f"checkpoint-{step}"
        safetensors(at / "model.safetensors", {"w": b"%08d" % step})
        (at / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 8}))
        (at / "trainer_state.json").write_text(json.dumps(state))
        log.append({"step": step, "epoch": step / 4, "eval_loss": 2 / step})
    safetensors(folder / "model.safetensors", {"w": final})
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "_name_or_path": "acme/base"}))
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": steps[-1], "log_history": log}))
    return folder


def versions_like(folder: Path) -> Path:
    """Write a folder with one of each that needs no foreign tool."""
    trainer(folder / "bert")
    safetensors(folder / "loose" / "a.safetensors", {"x": b"1234"}, {"lr": "0.1"})
    torch_zip(folder / "run" / "checkpoints" / "epoch=0-step=4.ckpt", {"epoch": 0, "global_step": 4})
    (folder / "run" / "hparams.yaml").write_text("lr: 1e-3\nbetas: !!python/tuple [0.9, 0.99]\n")
    (folder / "run" / "metrics.csv").write_text("epoch,step,loss,acc\n0,1,0.5,\n0,3,0.25,\n0,3,,0.75\n0,4,0.1,\n")
    (folder / "run" / "requirements.txt").write_text("torch==2.5.1+cu124\n")
    return folder
