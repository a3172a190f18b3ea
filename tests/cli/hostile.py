"""A workspace in which every field that a registry can fill holds what would act on a terminal or a reader."""

from __future__ import annotations

import json
import os
from hashlib import sha1
from pathlib import Path
from typing import Any

import yaml

from tests.sources import dvc, huggingface, mlflow
from tests.sources.checkpoints import safetensors

EVIL = {
    "markup": "[@click=app.quit]x[/] [/]bad [bold red]",
    "ansi": "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "osc": "\x1b]52;c;ZXZpbA==\x07\x1b_Gf=24;AAAA\x1b\\\x1bP+q544e\x1b\\",
    "c1": "\x9b2J\x9d52;c;ZXZpbA==\x9c\x90q\x9c",
    "bidi": "abc\u202egpj.exe\u2066\u2069\u200f\u061c",
    "zero": "a\u200b\u200d\ufeff\u2060\u00ad\U000e0041b\u2028c\u2029",
    "lines": "a\rb\nc\td\x0be\x0cf\x85g\x7f\x08",
    "nul": "a\0b\x01c",
    "surrogate": "a\ud800b",
    "formula": '=cmd|"/c calc"!A1',
    "table": "a|b `c` <script>alert(1)</script> ![x](y)",
    "long": "very-\x1b" * 17_000,
}
NAMED = tuple(kind for kind in EVIL if kind not in ("nul", "surrogate", "long"))


def file_name(kind: str) -> str:
    """Return what of an evil text a file system takes for a name; NUL and `/` it never does, nor 100 kB."""
    text = EVIL[kind].replace("\0", "").replace("/", "|").replace("\ud800", "\udcff")[:60]
    return f"{kind} {text}"


def build(folder: Path) -> None:
    """Write a folder of checkpoints, a Hugging Face cache, an `mlruns/` and a git repository with DVC and GTO."""
    cache, runs, repo = folder / "hub", folder / "mlruns", dvc.Repo(folder / "repo")
    stream = dvc.Stream()
    (runs / "models").mkdir(parents=True)
    for number, kind in enumerate(EVIL):
        _checkpoint(folder / "runs" / file_name(kind), EVIL[kind])
        (folder / "runs" / f"bad {file_name(kind)}").mkdir()
        (folder / "runs" / f"bad {file_name(kind)}" / "bad.safetensors").write_bytes(b"\xff" * 64)
        _snapshot(cache, kind)
        _run(runs, kind, number)
        _commit(stream, kind, number)
    os.makedirs(os.fsencode(folder / "runs") + b"/inv\xff\xfe\x9balid", exist_ok=True)  # noqa: PTH103 - bytes
    _checkpoint(Path(os.fsdecode(os.fsencode(folder / "runs") + b"/inv\xff\xfe\x9balid")), "x")
    stream.parts.append(b"commit refs/heads/bytes\nauthor A\xff\x9b <a@b> 1700009000 +0000\n"
                        b"committer A\xff <a@b> 1700009000 +0000\ndata 12\nm\xff\xfe\x9b31m\xc3\x28 x\n"
                        b"from refs/heads/main\n"
                        b"M 100644 inline model.bin.dvc\n")  # fmt: skip
    stream._data(dvc.dvc_file(dvc.out("model.bin", b"bytes")).encode())
    repo.load(stream)
    for kind in ("bidi", "zero", "markup"):
        name = EVIL[kind].replace("[", "(").replace("]", ")").replace(" ", "-").replace("/)", ")")
        repo.git("branch", "-q", f"ev-{name}".rstrip("."), "main", check=False)
    repo.tag("model@v1.0.0")
    repo.tag("model#prod#1")
    repo.check_out()
    (folder / "lineal.toml").write_text(
        "[discovery]\nenabled = false\n"
        + "".join(f'[registries.{name}]\nkind = "{kind}"\nurl = "{url}"\n' for name, kind, url in _REGISTRIES)
    )


_REGISTRIES = (
    ("runs", "checkpoints", "runs"),
    ("hub", "huggingface", "hub"),
    ("mlflow", "mlflow", "mlruns"),
    ("git", "dvc", "repo"),
)


def _checkpoint(place: Path, text: str) -> None:
    safe = text.replace("\ud800", "\udcff")
    safetensors(place / "model.safetensors", {text: b"1234"}, {text: text})
    (place / "config.json").write_text(json.dumps({text: text, "_name_or_path": text, "architectures": [text]}))
    history = [{"step": 1, "epoch": 0.5, text: 0.5, f"eval_{text}": 0.25}, {"step": 2, "epoch": 1.0, text: 0.25}]
    (place / "trainer_state.json").write_text(json.dumps({"global_step": 2, "log_history": history}))
    (place / "README.md").write_bytes(_card(safe))
    (place / "requirements.txt").write_bytes(f"torch=={safe[:40]}\n".encode(errors="surrogateescape"))


def _card(text: str) -> bytes:
    front: dict[str, Any] = {
        "base_model": text, "base_model_relation": "finetune", "license": text, "tags": [text], "datasets": [text],
        "model-index": [{"name": text, "results": [{
            "task": {"type": text}, "dataset": {"name": text, "type": text},
            "metrics": [{"type": text, "name": text, "value": 0.5}]}]}],
    }  # fmt: skip
    head = yaml.safe_dump(front, allow_unicode=False).encode(errors="surrogateescape")
    return b"---\n" + head + b"---\n" + f"# {text}\n\n{text}\n".encode(errors="surrogateescape")


def _snapshot(cache: Path, kind: str) -> None:
    text = EVIL[kind].replace("\ud800", "\udcff")
    name = file_name(kind) if kind in NAMED else kind
    files = {"README.md": _card(text), f"{name}.txt": b"x", "config.json": json.dumps({EVIL[kind]: text}).encode()}
    commit = huggingface.commit_of(kind)
    huggingface.lay_out(cache, f"org/{name}", commit, files, ("main", f"r {name}"))


def _run(root: Path, kind: str, number: int) -> None:
    text, name = EVIL[kind], file_name(kind)
    raw = text.encode(errors="surrogatepass")
    run_id = sha1(kind.encode(), usedforsecurity=False).hexdigest()[:32]
    place = mlflow.lay_out(root, run_id, str(number + 10))
    meta = {"run_id": run_id, "run_name": text, "status": 3, "start_time": 1000, "end_time": 2000, "user_id": text,
            "lifecycle_stage": "active", "artifact_uri": str(place / "artifacts")}  # fmt: skip
    (place / "meta.yaml").write_text(yaml.safe_dump(meta))
    (place.parent / "meta.yaml").write_text(yaml.safe_dump({"name": text, "lifecycle_stage": "active"}))
    (place / "params" / name).write_bytes(raw)
    (place / "metrics" / name).write_text("1000 0.5 0\n1001 0.75 1\n")
    (place / "tags" / name).write_bytes(raw)
    for tag in ("mlflow.user", "mlflow.note.content", "mlflow.source.name", "mlflow.source.git.commit",
                "mlflow.source.git.repoURL", "mlflow.runName"):  # fmt: skip
        (place / "tags" / tag).write_bytes(raw)
    (place / "artifacts" / "model" / f"{name}.txt").write_text("x")
    (place / "artifacts" / "model" / "requirements.txt").write_bytes(b"numpy==" + raw[:50] + b"\n")
    model = root / "models" / name
    (model / "version-1").mkdir(parents=True)
    (model / "meta.yaml").write_text(yaml.safe_dump({"name": name.replace("\udcff", "?"), "description": text}))
    (model / "aliases").mkdir()
    (model / "aliases" / name).write_text("1")
    version = {"name": name.replace("\udcff", "?"), "version": 1, "run_id": run_id, "description": text,
                "user_id": text, "source": str(place / "artifacts" / "model"), "status": "READY", "current_stage": text,
                "creation_timestamp": 3000}  # fmt: skip
    (model / "version-1" / "meta.yaml").write_text(yaml.safe_dump(version))


def _commit(stream: dvc.Stream, kind: str, number: int) -> None:
    text = EVIL[kind].replace("\ud800", "\ufffd")
    author = "".join(c for c in text if c not in "<>\n\0")[:500].strip() or "Ada"
    weights = f"weights {number}".encode()
    files = {
        "model.bin.dvc": dvc.dvc_file(dvc.out("model.bin", weights, desc=text, type=text, labels=[text])),
        "params.yaml": yaml.safe_dump({text: text, "nested": {text: [text]}}),
        "metrics.json": json.dumps({text: 0.5 + number / 100, "acc": number / 100}),
        "dvc.yaml": yaml.safe_dump(
            {"artifacts": {"model": {"path": "model.bin", "type": "model", "desc": text, "labels": [text]}},
             "params": ["params.yaml"], "metrics": ["metrics.json"]}
        ),
        "requirements.txt": f"scipy=={text[:50]}\n",
    }  # fmt: skip
    parents = [f":{stream.marks}"] if stream.marks else []
    stream.commit(files, message=f"{text}\n\n{text}".replace("\0", ""), author=author, parents=parents)
