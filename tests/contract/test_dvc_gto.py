"""What tags mean is what `gto show` says, over random histories of tags."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from lineal.config import RegistrySpec, Surroundings
from lineal.model.records import Alias, AliasKind, Model
from lineal.model.version import Kind, Version
from lineal.registries import connect
from lineal.registries.dvc import gto
from lineal.registries.dvc.repository import Repository
from tests.sources.dvc import START, Repo, Stream, run

HISTORIES = 30
_NAMES = ("net", "models=net", "a-b/c_d")
_STAGES = ("dev", "prod", "stage/1")
_DATES = 9  # seconds, so that many tags share one
_TAGGED = START + 10_000  # after the commits, whose dates count for GTO too


def random_history(path: Path, random: Random) -> Repo:
    """Make a repository of six commits and random tags: of GTO, lightweight ones, and some that are nearly GTO's."""
    repo, stream = Repo(path), Stream()
    for number in range(6):
        stream.commit({"a.txt": str(number)}, parents=[f":{number}"] if number else [])
    commits = repo.load(stream)
    tags = Stream()
    for name, commit in dict(_random_tag(random, number) for number in range(random.randint(5, 40))).items():
        if random.random() < 0.1:
            repo.git("tag", "-f", name, commits[commit])
        else:
            tags.tag(name, commits[commit], _TAGGED + random.randrange(_DATES))
    for odd in ("net@v1", "net#", "net@1.0.0", "v2.0.0", "net@v1.0.0!!", "#prod#1", "net@v01.0.0"):
        tags.tag(odd, commits[0], START)
    repo.git("fast-import", "--quiet", "--force", feed=b"".join(tags.parts))
    return repo


def _random_tag(random: Random, number: int) -> tuple[str, int]:
    """Return a tag and the commit it points at; a version always means the same commit. GTO crashes on `@created`."""
    name, commit = random.choice(_NAMES), random.randrange(6)
    version = ("v0.1.0", "v0.2.0-rc.1", "v0.2.0", "v0.10.0", "v1.0.0+build.5", "v2.0.0-0")[commit]
    counter = random.choice(("", f"#{number}"))
    stage = random.choice(_STAGES)
    tag = random.choices(
        (
            f"{name}@{version}{counter}",
            f"{name}@{version}!{counter}",
            f"{name}#{stage}#{number}",
            f"{name}#{stage}!#{number}",
            f"{name}@deprecated{counter}",
        ),
        (6, 2, 6, 2, 1),
    )[0]
    return tag, commit


def told(path: Path) -> dict[str, Any]:
    """Return our answer in the form of the script's."""
    return {name: _artifact(artifact) for name, artifact in gto.fold(Repository(path).refs().events).items()}


def _artifact(artifact: gto.Artifact) -> dict[str, Any]:
    names = {event.commit: version for version, event in artifact.versions.items()}
    stages = {stage: names.get(event.commit, event.commit) for stage, event in artifact.stages.items()}
    versions = {version: event.commit for version, event in artifact.versions.items()}
    return {"active": not artifact.deprecated, "stages": stages, "versions": versions}


def test_random_tags_mean_what_gto_says(oracle: Callable[[str], Path], tmp_path: Path) -> None:
    """Artifacts, versions, stages and deprecations, with ties within a second and tags that say nothing."""
    repos = [random_history(tmp_path / str(seed), Random(seed)).path for seed in range(HISTORIES)]
    feed = json.dumps([str(path) for path in repos])
    theirs = json.loads(run(oracle("dvc"), "gto_show.py", home=tmp_path / "home", feed=feed))
    stages = versions = 0
    for path, said in zip(repos, theirs, strict=True):
        expected = {name: {key: one[key] for key in ("active", "stages", "versions")} for name, one in said.items()}
        assert told(path) == expected, path
        stages += sum(len(one["stages"]) for one in said.values())
        versions += sum(len(one["versions"]) for one in said.values())
    assert min(stages, versions) > 2 * HISTORIES


def test_a_scan_says_what_the_tags_mean(tmp_path: Path, around: Surroundings) -> None:
    """Stages are aliases at versions that exist, registrations are names of versions, deprecation is a tag."""
    for seed in range(6):
        repo = random_history(tmp_path / str(seed), Random(seed))
        registry = connect(RegistrySpec(name="git", kind="dvc", url=str(repo.path)), around)
        records = list(registry.scan({}))
        for name, expected in told(repo.path).items():
            aliases = [one for one in records if isinstance(one, Alias) and one.kind is AliasKind.STAGE]
            stages = {one.name: one.key for one in aliases if one.model == name}
            found = [one for one in records if isinstance(one, Version) and one.model == name]
            registered = {one.name: one.key for one in found if one.kind is Kind.REGISTERED}
            assert stages == {stage: expected["versions"].get(key, key) for stage, key in expected["stages"].items()}
            assert registered == expected["versions"]
            retired = [one for one in records if isinstance(one, Model) and one.name == name and one.tags]
            assert bool(retired) == (not expected["active"] and bool(found))
