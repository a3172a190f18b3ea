"""Read YAML documents as DVC does, through ruamel.yaml: a JSON list of texts in, of [type, repr] or null out."""

from __future__ import annotations

import json
import sys

from dvc.utils.serialize import parse_yaml


def plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return [type(value).__name__, repr(value)]


def read(text: str) -> object:
    try:
        return plain(parse_yaml(text, "file"))
    except Exception:
        return "error"


print(json.dumps([read(text) for text in json.load(sys.stdin)]))
