"""Fine-tune all-MiniLM-L6-v2 on the standard library's docstrings, and keep ten checkpoints of each kind."""

import json
import os
import random
import re
import struct
import sys
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as functional
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, BertTokenizerFast

CHECKPOINTS, EVERY, BATCH = 10, 15, 8
ROOT = sys.argv[1]
BASE = f"{ROOT}/base/model.safetensors"
torch.set_num_threads(1)
torch.manual_seed(0)
random.seed(0)


def pairs():
    """Return (sentence, next sentence) of the standard library's docstrings."""
    found = []
    for path in sorted(Path(os.__file__).parent.glob("*.py")):
        for text in re.findall(r'"""(.*?)"""', path.read_text(encoding="utf8", errors="replace"), re.S):
            parts = re.split(r"(?<=[.!?])\s+", re.sub(r"\s+", " ", text))
            found += list(pairwise([part for part in parts if 25 < len(part) < 300]))
    random.shuffle(found)
    return found


def names():
    """Return the tensors of the base file, in its order."""
    with Path(BASE).open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        return [name for name in json.loads(stream.read(length)) if name != "__metadata__"]


base = load_file(BASE)
tokenizer = BertTokenizerFast(f"{ROOT}/base/vocab.txt")
text = pairs()
config = BertConfig(hidden_size=384, intermediate_size=1536, num_attention_heads=12, num_hidden_layers=6)


def embed(model, batch):
    states, mask = model(**batch).last_hidden_state, batch["attention_mask"][..., None]
    return functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)


def save(model, path, dtype=None):
    state = model.state_dict()
    found = {name: state.get(name, base[name]).detach().clone().contiguous() for name in names()}
    if dtype is not None:
        found = {name: value.to(dtype) if value.is_floating_point() else value for name, value in found.items()}
    save_file(found, path, metadata={"format": "pt"})


def train(kind, rounded, with_optimizer):
    Path(ROOT, kind).mkdir(exist_ok=True)
    model = BertModel(config, add_pooling_layer=True)
    model.load_state_dict(base, strict=False)
    model.train()
    weights = list(model.parameters())
    if rounded:
        with torch.no_grad():
            for weight in weights:
                weight.copy_(weight.bfloat16())
    optimizer = torch.optim.AdamW(weights, lr=2e-5, weight_decay=0.01)
    for step in range(1, CHECKPOINTS * EVERY + 1):
        chosen = [text[(step * BATCH + at) % len(text)] for at in range(BATCH)]
        left, right = (
            embed(
                model,
                tokenizer(
                    [pair[side] for pair in chosen], padding=True, truncation=True, max_length=40, return_tensors="pt"
                ),
            )
            for side in (0, 1)
        )
        loss = functional.cross_entropy(left @ right.T * 20, torch.arange(BATCH))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        if rounded:
            with torch.no_grad():
                for weight in weights:
                    weight.copy_(weight.bfloat16())
        if step % EVERY == 0:
            at = f"{ROOT}/{kind}/{step // EVERY:02d}"
            save(model, f"{at}.safetensors", torch.bfloat16 if rounded else None)
            if with_optimizer:
                state = {"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
                torch.save(state, f"{at}.pt")
            print(kind, step, round(loss.item(), 4), flush=True)


train("fp32", rounded=False, with_optimizer=True)
train("bf16", rounded=True, with_optimizer=False)
