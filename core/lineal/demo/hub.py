"""A Hugging Face cache as the hub client leaves it: the base model, the scorer, an adapter, 8 bits, half a download."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from lineal.demo import story
from lineal.demo.lab import ALPHA, BASE, RANK, Lab, model_file
from lineal.demo.network import Settings, Weights
from lineal.demo.place import Place, to_json, to_yaml
from lineal.demo.repository import requirements
from lineal.demo.story import Calendar

FOLDER = "hub"
_LFS = (".safetensors", ".gguf")
SCORER, ADAPTER, GGUF, LARGE = (
    f"fraud-lab/{name}" for name in ("fraud-scorer", "fraud-scorer-travel-lora", "fraud-scorer-GGUF", "fraud-scorer-xl")
)
_SCORER_RELEASES = (5, 8)


class Cache:
    """Writes the cache of the demo."""

    def __init__(self, place: Place, lab: Lab, dates: Calendar) -> None:
        self._place, self._lab, self._dates = place, lab, dates

    def write(self) -> None:
        """Write every model."""
        signature = "Signature: 8a477f597d28d172789f06886806bc55\n"
        self._place.write(f"{FOLDER}/CACHEDIR.TAG", signature, self._dates.ago(175))
        self._bases()
        self._scorers()
        self._adapter()
        self._quantised()
        self._half()

    def _bases(self) -> None:
        for made, days, ref in zip(self._lab.bases, (172, 171), ("v1", "main"), strict=True):
            front: dict[str, object] = {
                "license": "apache-2.0",
                "pipeline_tag": "tabular-classification",
                "library_name": "safetensors",
            }
            front |= {"tags": ["tabular", "pretrained"], "datasets": ["fraud-lab/transactions-public"]}
            text = "# tabular-base\n\nAn encoder for card transactions, trained on a year of public data.\n"
            files = {
                "README.md": _card(front, BASE, made.metrics, text),
                "config.json": _config(story.BASE_WIDTH, story.SPRING),
                "model.safetensors": made.data,
            }
            self._snapshot(BASE, files, {ref}, self._dates.ago(days))

    def _scorers(self) -> None:
        for number in _SCORER_RELEASES:
            release, made = story.released(number), self._lab.release(number)
            front = _front(BASE, "finetune", ["fraud", "tabular"])
            text = f"# fraud-scorer {release.semver}\n\nScores card payments for fraud. {release.why}.\n"
            files = {
                "README.md": _card(front, SCORER, made.metrics, text),
                "config.json": _config(release.width, release.stack, loss="focal" if release.settings.gamma else "bce"),
                "model.safetensors": made.data,
                "requirements.txt": requirements(release.stack).encode(),
            }
            refs = {f"v{release.semver}"} | ({"main"} if number == _SCORER_RELEASES[-1] else set())
            self._snapshot(SCORER, files, refs, self._dates.ago(release.days - 1))

    def _adapter(self) -> None:
        made = self._lab.adapter
        text = "# Travel\n\nA low-rank adapter of the fraud scorer for payments made abroad.\n"
        files = {
            "README.md": _card(_front(SCORER, "adapter", ["lora"]), ADAPTER, made.metrics, text),
            "adapter_config.json": to_json(adapter_config()).encode(),
            "adapter_model.safetensors": made.data,
        }
        self._snapshot(ADAPTER, files, {"main"}, self._dates.ago(12))

    def _quantised(self) -> None:
        data, metrics = self._lab.quantised(8)
        text = "# GGUF\n\nThe fraud scorer in 8 bits.\n"
        files = {
            "README.md": _card(_front(SCORER, "quantized", ["gguf"]), GGUF, metrics, text),
            "fraud-scorer-q8_0.gguf": data,
        }
        self._snapshot(GGUF, files, {"main"}, self._dates.ago(15))

    def _half(self) -> None:
        """Leave a download that stopped: the second shard is not here."""
        made = self._lab.variant(Settings(lr=2e-3, epochs=6), width=256)
        shards = _shards(made.weights)
        index = {name: path for path, part in shards.items() for name in part}
        files = {path: model_file(part) for path, part in shards.items()}
        text = "# fraud-scorer-xl\n\nMore than twice as wide.\n"
        files["README.md"] = _card(_front(BASE, "finetune", ["fraud"]), LARGE, made.metrics, text)
        files["config.json"] = _config(256, story.AUTUMN)
        files["model.safetensors.index.json"] = to_json({"metadata": {}, "weight_map": index}).encode()
        self._snapshot(LARGE, files, {"main"}, self._dates.ago(6), missing="model-00002-of-00002.safetensors")

    def _snapshot(self, model: str, files: Mapping[str, bytes], refs: set[str], at: float, missing: str = "") -> None:
        """Write blobs, links, refs and the listing of the tree, as `snapshot_download` does."""
        folder = f"{FOLDER}/models--{model.replace('/', '--')}"
        content = json.dumps([model, sorted(refs), _tree(files)]).encode()
        commit = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        for path, data in files.items():
            if path != missing:
                blob = self._place.write(f"{folder}/blobs/{_etag(path, data)}", data, at)
                self._place.link(f"{folder}/snapshots/{commit}/{path}", blob, at)
        for ref in refs:
            self._place.write(f"{folder}/refs/{ref}", commit, at)
        listing = {"format_version": 1, "files": _tree(files)}
        self._place.write(f"{folder}/trees/{commit}.json", json.dumps(listing, indent=1), at)


def _shards(weights: Weights) -> dict[str, Weights]:
    first = {name: value for name, value in weights.items() if name.startswith("encoder.0")}
    rest = {name: value for name, value in weights.items() if name not in first}
    return {"model-00001-of-00002.safetensors": first, "model-00002-of-00002.safetensors": rest}


def _tree(files: Mapping[str, bytes]) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for path in sorted(files):
        data = files[path]
        found[path] = {"size": len(data), "blob_id": _git_sha1(data)}
        if path.endswith(_LFS):
            found[path] |= {"lfs_sha256": _etag(path, data), "lfs_size": len(data)}
    return found


def _git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _etag(path: str, data: bytes) -> str:
    return hashlib.sha256(data).hexdigest() if path.endswith(_LFS) else _git_sha1(data)


def _front(base: str, relation: str, tags: list[str]) -> dict[str, object]:
    return {
        "license": "apache-2.0",
        "language": "en",
        "pipeline_tag": "tabular-classification",
        "base_model": base,
        "base_model_relation": relation,
        "tags": tags,
        "datasets": ["fraud-lab/transactions"],
    }


def _card(front: dict[str, object], model: str, metrics: Mapping[str, float], text: str) -> bytes:
    """Return a card whose front matter states the scores as the hub wants them: `model-index`."""
    if metrics:
        task = {"type": "tabular-classification", "name": "Fraud detection"}
        dataset = {"type": "fraud-lab/transactions", "name": "transactions", "split": "holdout"}
        scores = [{"type": name, "value": value} for name, value in metrics.items()]
        results = [{"task": task, "dataset": dataset, "metrics": scores}]
        front = {**front, "model-index": [{"name": model, "results": results}]}
    return f"---\n{to_yaml(front)}---\n\n{text}".encode()


def _config(width: int, stack: story.Stack, **more: object) -> bytes:
    return to_json(config(width, stack, **more)).encode()


def config(width: int, stack: story.Stack, **more: object) -> dict[str, object]:
    """Return the config.json of a network."""
    return {
        "architectures": ["FraudScorer"],
        "model_type": "mlp",
        "hidden_sizes": [width, 32],
        "num_features": 32,
        "hidden_act": "relu",
        "torch_dtype": "float32",
        "transformers_version": stack.transformers,
        **more,
    }


def adapter_config() -> dict[str, object]:
    """Return the adapter_config.json of the travel adapter."""
    return {
        "base_model_name_or_path": SCORER,
        "bias": "none",
        "lora_alpha": ALPHA,
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "peft_version": "0.19.0",
        "r": RANK,
        "target_modules": ["encoder.2", "encoder.0"],
        "task_type": None,
    }
