"""Whatever a repository configures, reading it starts nothing but git."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.model.version import Version
from lineal.registries import connect
from tests.sources.dvc import Repo, clean, story

# Keys whose value git would run, each where some command of git reads it.
COMMANDS = (
    *("core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.editor", "core.pager", "core.askPass"),
    *("core.alternateRefsCommand", "diff.external", "diff.evil.textconv", "diff.evil.command", "sequence.editor"),
    *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "gpg.program", "gpg.ssh.program"),
    *("credential.helper", "uploadpack.packObjectsHook", "pager.log", "pager.cat-file", "alias.log", "alias.cat-file"),
    *("interactive.diffFilter", "merge.evil.driver", "remote.origin.uploadpack", "trailer.evil.command"),
)
ATTRIBUTES = "* diff=evil filter=evil merge=evil\n"


@pytest.fixture
def hostile(tmp_path: Path) -> Repo:
    """The story, in a repository that wants a program to be run wherever git lets it."""
    repo = story(tmp_path / "repo", tmp_path / "cache")
    repo.commit({".gitattributes": ATTRIBUTES, "models/.gitattributes": ATTRIBUTES})
    program = tmp_path / "evil"
    program.write_text(f"#!/bin/sh\necho $0 >> {tmp_path}/ran\n")
    program.chmod(0o755)
    for key in COMMANDS:
        repo.git("config", key, f"!{program}" if key.startswith(("alias", "credential")) else str(program))
    for key, value in (
        ("log.showSignature", "true"),
        ("protocol.ext.allow", "always"),
        ("uploadpack.allowFilter", "1"),
    ):
        repo.git("config", key, value)
    hooks = repo.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "reference-transaction", "fsmonitor-watchman", "post-index-change", "pre-auto-gc"):
        (hooks / name).write_text(program.read_text())
        (hooks / name).chmod(0o755)
    (repo.path / ".git" / "info").mkdir(exist_ok=True)
    (repo.path / ".git" / "info" / "attributes").write_text(ATTRIBUTES)
    return repo


def _read(url: str, around: Surroundings) -> list[Version]:
    registry = connect(RegistrySpec(name="git", kind="dvc", url=url), around)
    found = [record for record in registry.scan({}) if isinstance(record, Version)]
    for version in found:
        registry.series(version, "loss")
        for file in version.files:
            registry.open(file).close()
    registry.fingerprint()
    registry.close()
    return found


def test_a_configuration_starts_nothing(hostile: Repo, tmp_path: Path, around: Surroundings) -> None:
    """No monitor, hook, filter, textconv, pager, alias, helper or signature check is run."""
    assert _read(str(hostile.path), around)
    assert not (tmp_path / "ran").exists()
    hostile.git("status", check=False)  # git itself does run it, so there was something to keep from running
    assert (tmp_path / "ran").exists()


def test_a_server_behind_a_url_starts_nothing_here(hostile: Repo, tmp_path: Path, around: Surroundings) -> None:
    """What is cloned brings no configuration with it."""
    reach = Surroundings(around.cwd, around.home, clean(around.home), around.clock)
    registry = connect(RegistrySpec(name="git", kind="dvc", url=f"file://{hostile.path}"), reach)
    assert any(isinstance(record, Version) for record in registry.scan({}))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("url", ["ext::{evil} %S", "file://{repo}", "{repo}"])
def test_missing_objects_are_not_fetched_from_where_a_repository_says(
    url: str, hostile: Repo, tmp_path: Path, around: Surroundings
) -> None:
    """A partial clone fetches by itself what is missing: not while it is read here."""
    origin = url.format(evil=tmp_path / "evil", repo=hostile.path)
    hostile.git("clone", "-q", "--mirror", str(hostile.path), str(tmp_path / "part.git"))
    part = Repo(tmp_path / "part.git", bare=True)
    part.git("config", "fastimport.unpackLimit", "1000")
    lost = part.commit({"dvc.yaml": "metrics: [metrics.json]\n", "params.yaml": "lr: 77\n"})
    for key, value in (
        ("extensions.partialClone", "origin"),
        ("core.repositoryFormatVersion", "1"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", origin),
        ("remote.origin.uploadpack", str(tmp_path / "evil")),
        ("protocol.ext.allow", "always"),
        ("core.sshCommand", str(tmp_path / "evil")),
    ):
        part.git("config", key, value)
    blob = part.git("rev-parse", f"{lost}:dvc.yaml")
    (part.path / "objects" / blob[:2] / blob[2:]).unlink()
    assert any(isinstance(record, Version) for record in connect(_spec(part), around).scan({}))
    assert not (tmp_path / "ran").exists()
    if not url.startswith("ext"):  # git itself does run it, so there was something to keep from running
        part.git("cat-file", "-e", blob, check=False)
        assert (tmp_path / "ran").exists()


def _spec(repo: Repo) -> RegistrySpec:
    return RegistrySpec(name="git", kind="dvc", url=str(repo.path))
