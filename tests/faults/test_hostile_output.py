"""Whatever a registry says, no verb in any format sends a terminal anything that it would obey; JSON keeps it all."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
import yaml

from lineal.index.clean import text as stored
from tests.cli import hostile, running
from tests.cli.conftest import Lab
from tests.cli.hostile import EVIL, NAMED
from tests.sources import mlflow

ERASE = b"\r\x1b[K"
FORMATS = ["table", "json", "csv", "md"]


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The hostile workspace, in a folder with a hostile name, synced."""
    top = tmp_path_factory.mktemp("hostile")
    made = Lab(top / "w\x1b]0;x\x07\u202e[@click=app.quit]", top / "home")
    made.home.mkdir()
    hostile.build(made.folder)
    code, sent = made.run_pty("sync")
    inert(sent)
    assert code == 0, sent[-2000:].decode()
    return made


def inert(sent: bytes) -> str:
    """Fail if a terminal was sent more than text, ends of lines and the erasing of the line of progress."""
    shown = sent.replace(ERASE, b"").decode()
    for number, line in enumerate(shown.split("\r\n")):
        acting = [c for c in line if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]
        assert not acting, f"line {number}: {acting[:5]!r} in {line[:300]!r}"
    return shown


def on_terminal(evil: Lab, *words: str, code: int = 0) -> str:
    """Run a command on a terminal; it must end with `code` and send nothing that acts. Return the text."""
    got, sent = evil.run_pty(*words, NO_COLOR="1")
    shown = inert(sent)
    assert got == code, shown[-2000:]
    assert "Traceback" not in shown
    return shown


def references(evil: Lab, *query: str) -> list[str]:
    """Return the references of the versions that match."""
    return [item["reference"] for item in evil.json("ls", *query)]


def test_the_workspace_is_as_hostile_as_it_claims(evil: Lab) -> None:
    """Every registry has a version for each evil text; half a surrogate no YAML can spell: MLflow's is a Problem."""
    items = evil.json("ls")
    counts = {name: sum(item["registry"] == name for item in items) for name in ("runs", "hub", "mlflow", "git")}
    assert counts == {"runs": len(EVIL) + 1, "hub": len(EVIL), "mlflow": len(EVIL) - 1, "git": len(EVIL) + 1}
    said = json.dumps(items, ensure_ascii=False)
    for kind in ("markup", "bidi", "zero"):
        assert json.dumps(EVIL[kind], ensure_ascii=False)[1:-1] in said


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("words", [("ls",), ("ls", "--models"), ("registry", "ls"), ("metrics",)], ids=" ".join)
def test_lists(evil: Lab, words: tuple[str, ...], form: str) -> None:
    on_terminal(evil, *words, "--format", form)


@pytest.mark.parametrize("form", FORMATS)
def test_doctor(evil: Lab, form: str) -> None:
    on_terminal(evil, "doctor", "--format", form)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("registry", ["runs", "hub", "mlflow", "git"])
def test_show_of_every_version(evil: Lab, registry: str, form: str) -> None:
    for reference in references(evil, f"registry:{registry}"):
        said = evil.run("show", reference, "--tensors", "--format", form)
        assert said.code == 0, said.err
        inert(said.out.replace("\n", "\r\n").encode())
        inert(said.err.replace("\n", "\r\n").encode())


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("registry", ["runs", "hub", "mlflow", "git"])
def test_show_on_a_terminal(evil: Lab, registry: str, form: str) -> None:
    on_terminal(evil, "show", references(evil, f"registry:{registry}")[0], "--tensors", "--format", form)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("registry", ["runs", "hub", "mlflow", "git"])
def test_diff_of_all_versions(evil: Lab, registry: str, form: str) -> None:
    chosen = references(evil, f"registry:{registry}")
    on_terminal(evil, "diff", *chosen, "--all", "--patch", "--exit-code", "--format", form, code=1)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("registry", ["runs", "hub", "mlflow", "git"])
def test_lineage(evil: Lab, registry: str, form: str) -> None:
    first, second = references(evil, f"registry:{registry}")[:2]
    on_terminal(evil, "lineage", first, "--unfold", "--format", form)
    for words in (("--to", second), ("--common", second)):
        got, sent = evil.run_pty("lineage", first, *words, "--format", form)
        inert(sent)
        assert got in (0, 4)


def with_steps(evil: Lab, registry: str) -> list[str]:
    """Return the versions that have curves and whose files have names that can be said in JSON."""
    items = evil.json("ls", f"registry:{registry}")
    return [
        item["reference"] for item in items if item["metrics"] and not item["model"].startswith(("inv", "surrogate"))
    ]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("registry", ["runs", "mlflow"])
def test_steps(evil: Lab, registry: str, form: str) -> None:
    words = [word for reference in with_steps(evil, registry) for word in ("-v", reference)]
    on_terminal(evil, "metrics", *words, "--steps", "--format", form)


@pytest.mark.parametrize("registry", ["runs", "mlflow"])
def test_charts(evil: Lab, registry: str) -> None:
    on_terminal(evil, "metrics", f"registry:{registry}", "--chart")
    words = [word for reference in with_steps(evil, registry) for word in ("-v", reference)]
    on_terminal(evil, "metrics", *words, "--steps", "--chart")


@pytest.mark.parametrize("kind", [kind for kind in EVIL if kind not in ("nul", "surrogate")])
def test_what_a_person_typed_or_pasted_is_repeated_escaped(evil: Lab, kind: str) -> None:
    text = EVIL[kind] if kind != "long" else EVIL[kind][:2000]
    for words in (
        ("show", f"nobody:{text}"), ("show", f"{text}@x"), ("ls", f'"{text}'), ("ls", f"{text}:x"),
        ("ls", "--sort", text), ("ls", "--columns", text), ("registry", "remove", text), ("sync", text),
        ("registry", "add", f"/no/{text}"), ("metrics", "--metric", text), ("-C", f"/no/{text}", "ls"), (f"x{text}",),
        ("--index", f"sqlite3://{text}", "ls"), ("ls", f"--{text}"), ("ls", "--format", text),
    ):  # fmt: skip
        said = evil.run(*words)
        assert said.code in (0, 2, 4, 6, 8), said.err
        inert(said.out.replace("\n", "\r\n").encode())
        inert(said.err.replace("\n", "\r\n").encode())


URLS = [
    "http://[x/y",
    "file://[x",
    "mlflow-artifacts://[x/",
    "postgresql://u:hunter2@[x/db",
    "sqlite://[x",
    "http://\x1b[/",
]


@pytest.mark.parametrize("url", URLS)
def test_a_url_that_is_none_is_an_error_in_words_wherever_it_stands(evil: Lab, tmp_path: Path, url: str) -> None:
    lab = Lab(tmp_path / "work", tmp_path / "home")
    lab.home.mkdir()
    place = mlflow.lay_out(lab.folder / "mlruns")
    meta = yaml.safe_load((place / "meta.yaml").read_text()) | {"artifact_uri": url}
    (place / "meta.yaml").write_text(yaml.safe_dump(meta))
    assert lab.run("sync").code == 0
    assert len(lab.json("ls")) == 1
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "HF_HOME", "LINEAL_INDEX"):
        said = lab.run("ls", env={name: url})
        assert said.code in (0, 2), said.err
        assert "hunter2" not in said.out + said.err or name == "HF_HOME"
        inert((said.out + said.err).replace("\n", "\r\n").encode())
    lab.run("registry", "add", url, "--kind", "mlflow", "--name", "bad")
    said = lab.run("sync", env={"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"})
    assert said.code in (2, 6), said.err
    inert(said.err.replace("\n", "\r\n").encode())


def test_events_are_json_lines_that_do_not_act(evil: Lab) -> None:
    shown = on_terminal(evil, "sync", "--rebuild", "--events", "jsonl")
    told = [json.loads(line) for line in shown.splitlines()]
    met = [event["problem"] for event in told if event["event"] == "problem"]
    assert len([problem for problem in met if problem["registry"] == "runs"]) >= len(EVIL)
    assert any(hostile.file_name("bidi") in problem["where"] for problem in met)


def test_text_of_a_sync_in_a_log(evil: Lab) -> None:
    said = running.apart("sync", "--rebuild", cwd=evil.folder, home=evil.home)
    assert said.code == 0
    inert(said.err.replace("\n", "\r\n").encode())


@pytest.mark.parametrize("kind", EVIL)
def test_json_parses_back_to_what_the_registry_said(evil: Lab, kind: str) -> None:
    """NUL and half surrogates, which no database takes, are the only things that were replaced, visibly."""
    text = stored(EVIL[kind])
    by_author = [item for item in evil.json("ls", "registry:mlflow") if text in (item["author"], item["message"])]
    assert by_author or kind == "surrogate"
    (checkpoint,) = [item for item in evil.json("ls", "registry:runs") if text in item["tags"] or text in item["params"]
                     or any(text in name for name in item["params"])]  # fmt: skip
    whole = evil.json("show", checkpoint["reference"])
    assert text in json.dumps(whole, ensure_ascii=False) or json.dumps(text)[1:-1] in json.dumps(whole)
    assert evil.json("show", checkpoint["reference"], "--tensors")["tensors"]


@pytest.mark.parametrize("kind", NAMED)
def test_names_survive_the_way_through_a_reference(evil: Lab, kind: str) -> None:
    """What one command prints the next understands: a model with controls in its name is found again."""
    name = hostile.file_name(kind)
    for registry in ("mlflow", "runs"):
        (item,) = [item for item in evil.json("ls", f"registry:{registry}") if item["model"] == name]
        assert evil.json("show", item["reference"])["model"] == name


def test_completion_offers_nothing_that_acts(evil: Lab) -> None:
    for shell in ("bash", "zsh", "fish"):
        words = "lineal show mlflow:"
        said = evil.run_apart(
            _LINEAL_COMPLETE=f"{shell}_complete", COMP_WORDS=words, COMP_CWORD="2" if shell != "fish" else "mlflow:"
        )
        assert said.code == 0, said.err
        inert(said.out.replace("\n", "\r\n").encode())
        assert "markup" in said.out


def test_nothing_was_written_beside_the_registries(evil: Lab, tmp_path: Path) -> None:
    hostile.build(tmp_path / "again")

    def tree(top: Path) -> set[str]:
        return {str(path.relative_to(top)) for path in top.rglob("*") if ".git" not in path.parts}

    assert tree(evil.folder) == tree(tmp_path / "again")
