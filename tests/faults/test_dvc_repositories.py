"""Git repositories of every odd shape: empty, shallow, linked, damaged, missing. The rest is read, and why is said."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import ConfigError, Unavailable
from lineal.model.records import Alias, Complete, Problem, Record
from lineal.model.version import Place, State, Version
from lineal.registries import connect
from lineal.testing import Fold
from tests.sources.dvc import START, Content, Repo, clean, dvc_file, dvc_yaml, out, story, trained


def scanned(url: str | Path, around: Surroundings) -> list[Record]:
    """Return everything that a first scan says."""
    registry = connect(RegistrySpec(name="git", kind="dvc", url=str(url)), around)
    records = list(registry.scan({}))
    registry.close()
    return records


def versions(records: list[Record]) -> list[Version]:
    """Return the versions among records."""
    return [record for record in records if isinstance(record, Version)]


def problems(records: list[Record]) -> dict[str, str]:
    """Return what is wrong, by place; each problem has a hint."""
    found = [record for record in records if isinstance(record, Problem)]
    assert all(problem.hint for problem in found)
    return {problem.where: problem.message for problem in found}


def test_an_empty_repository_has_no_versions(tmp_path: Path, around: Surroundings) -> None:
    """No commit at all, or none with a model, is no error."""
    repo = Repo(tmp_path / "empty")
    assert all(isinstance(record, Complete) for record in scanned(repo.path, around))
    repo.commit({"README": "no models here"})
    assert all(isinstance(record, Complete) for record in scanned(repo.path, around))


def test_a_detached_head_counts(tmp_path: Path, around: Surroundings) -> None:
    """A model that only HEAD reaches is a version."""
    repo = Repo(tmp_path / "repo")
    first = repo.commit({"README": "x"})
    lost = repo.commit({"models/a.pt.dvc": dvc_file(out("a.pt", b"1"))}, parents=[first], branch="gone")
    repo.git("checkout", "-q", "--detach", lost)
    repo.git("branch", "-D", "gone")
    assert [version.key for version in versions(scanned(repo.path, around))] == [lost]


def test_a_shallow_clone_shows_what_it_has(tmp_path: Path, around: Surroundings) -> None:
    """The oldest commit that is there stands for all before it."""
    repo = story(tmp_path / "repo")
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.path}", str(tmp_path / "shallow"))
    found = versions(scanned(tmp_path / "shallow", around))
    assert {version.model for version in found} == {"net", "export/net.onnx"}
    assert {version.key for version in found} == {repo.git("rev-parse", "main")}


def test_a_linked_work_tree_and_a_submodule_are_repositories(tmp_path: Path, around: Surroundings) -> None:
    """Where `.git` is a file, the history is that of the repository it names."""
    repo = story(tmp_path / "repo")
    whole = {(version.model, version.key) for version in versions(scanned(repo.path, around))}
    repo.git("worktree", "add", "-q", str(tmp_path / "tree"), "side")
    assert {(version.model, version.key) for version in versions(scanned(tmp_path / "tree", around))} == whole
    outer = Repo(tmp_path / "outer")
    outer.git("submodule", "add", "-q", f"file://{repo.path}", "inner")
    assert versions(scanned(tmp_path / "outer" / "inner", around))


def test_sha256_repositories_are_read(tmp_path: Path, around: Surroundings) -> None:
    """Keys are their longer ids, and no SHA-1 is claimed for blobs."""
    repo = Repo(tmp_path / "repo", object_format="sha256")
    repo.commit({"models/a.pt.dvc": dvc_file(out("a.pt", b"1")), "b.onnx": b"model"})
    base = repo.git("rev-parse", "main")
    repo.commit({"b.onnx": b"tried"}, ref=f"refs/exps/{base[:2]}/{base[2:]}/tried", parents=[base])
    found = versions(scanned(repo.path, around))
    assert {len(version.key) for version in found} == {64}
    assert "tried" in {version.name for version in found}
    assert [file.digest for version in found if version.model == "b.onnx" for file in version.files] == [None, None]


def _object(repo: Repo, rev: str) -> Path:
    name = repo.git("rev-parse", rev)
    return repo.path / ".git" / "objects" / name[:2] / name[2:]


def _loose(path: Path) -> Repo:
    """Make a repository of three commits whose objects are files of their own."""
    repo = Repo(path)
    repo.git("config", "fastimport.unpackLimit", "1000")
    for number in range(1, 4):
        repo.commit({"dvc.yaml": dvc_yaml(metrics=["metrics.json"]), **trained(number)})
    return repo


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
@pytest.mark.parametrize("file", ["dvc.lock", "metrics.json", "params.yaml"])
def test_a_damaged_file_costs_only_what_it_says(damage: str, file: str, tmp_path: Path, around: Surroundings) -> None:
    """A blob that is missing or no longer what it was is a problem; other commits are read."""
    repo = _loose(tmp_path / "repo")
    place = _object(repo, f"main~1:{file}")
    data = place.read_bytes()
    place.chmod(0o644)
    if damage == "missing":
        place.unlink()
    else:
        place.write_bytes(data[: len(data) // 2] if damage == "cut" else b"not what it was")
    records = scanned(repo.path, around)
    assert file in problems(records)
    keys = {version.key for version in versions(records)}
    assert {repo.git("rev-parse", "main"), repo.git("rev-parse", "main~2")} <= keys


def test_what_cannot_be_read_any_more_is_not_gone(tmp_path: Path, around: Surroundings) -> None:
    """When a lock file is lost its versions stay, and come out right again once it is back."""
    repo = _loose(tmp_path / "repo")
    registry = connect(RegistrySpec(name="git", kind="dvc", url=str(repo.path)), around)
    kept = Fold().apply(registry.scan({}))
    rows = kept.rows()
    lock = _object(repo, "main~1:dvc.lock")
    data = lock.read_bytes()
    lock.unlink()
    repo.git("branch", "other")
    kept.apply(registry.scan(dict(kept.cursors)))
    assert len(kept.of(Version)) == 3
    lock.write_bytes(data)
    repo.git("branch", "-D", "other")
    assert kept.apply(registry.scan(dict(kept.cursors))).rows() == rows


def test_a_damaged_history_is_one_clear_error(tmp_path: Path, around: Surroundings) -> None:
    """Half a history would make the other half look deleted: nothing is said to be complete."""
    repo = _loose(tmp_path / "repo")
    _object(repo, "main~1").unlink()
    scan = connect(RegistrySpec(name="git", kind="dvc", url=str(repo.path)), around).scan({})
    with pytest.raises(Unavailable) as caught:
        next(scan)
    assert "fsck" in caught.value.hint


CORRUPT = {
    "not YAML": "outs: [\n",
    "no mapping": "- 1\n- 2\n",
    "two documents": "outs: []\n---\nouts: []\n",
    "deep": "[" * 5_000,
    "binary": b"\x00\xff\xfe\x80",
    "tag": "outs: !!python/object/apply:os.system ['true']\n",
}
HARMLESS = {
    "outs is a text": "outs: models\n",
    "outs of texts": "outs: [a, b]\n",
    "path is a list": "outs:\n- path: [a]\n  md5: x\n",
    "md5 is a number": "outs:\n- path: a.pt\n  md5: 12\n",
    "empty": "",
}


@pytest.mark.parametrize("path", ["models/a.pt.dvc", "dvc.lock", "dvc.yaml"])
@pytest.mark.parametrize("content", CORRUPT.values(), ids=CORRUPT)
def test_a_corrupt_file_of_dvc_is_a_problem(path: str, content: Content, tmp_path: Path, around: Surroundings) -> None:
    """It is named, and other models of the same commit are read."""
    repo = Repo(tmp_path / "repo")
    repo.commit({path: content, "models/whole.pt.dvc": dvc_file(out("whole.pt", b"1"))})
    records = scanned(repo.path, around)
    assert [version.model for version in versions(records)] == ["models/whole.pt"]
    assert list(problems(records)) == [path]


@pytest.mark.parametrize("content", HARMLESS.values(), ids=HARMLESS)
def test_a_dvc_file_that_names_nothing_is_no_version(content: Content, tmp_path: Path, around: Surroundings) -> None:
    """Entries that are not as DVC writes them name no model."""
    repo = Repo(tmp_path / "repo")
    repo.commit({"models/a.pt.dvc": content, "dvc.lock": "schema: '2.0'\nstages:\n  s: [1]\n"})
    assert not versions(scanned(repo.path, around))


def test_no_hash_or_path_leads_out_of_the_cache(tmp_path: Path, around: Surroundings) -> None:
    """What a `.dvc` file calls a hash becomes a path: only an MD5 is taken for one."""
    (tmp_path / "secret").write_text("secret")
    repo = Repo(tmp_path / "repo")
    evil = "outs:\n- {path: a.pt, hash: md5, md5: ../../../../../../secret}\n- {path: ../../secret.pt, md5: " + "a" * 32
    repo.commit({"models/a.pt.dvc": evil + "}\n"})
    assert not versions(scanned(repo.path, around))
    listing = b'[{"md5": "../../../../../../secret", "relpath": "x"}, {"md5": "1", "relpath": "../../x"}]'
    name = "0" * 32 + ".dir"
    place = repo.path / ".dvc" / "cache" / "files" / "md5" / "00" / name[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(listing)
    repo.commit({"models/a.pt.dvc": f"outs:\n- {{path: models, hash: md5, md5: {name}}}\n"})
    files = [file for version in versions(scanned(repo.path, around)) for file in version.files]
    assert files
    assert not any(file.local and "secret" in file.local for file in files)


def test_places_that_are_no_repository_say_so(tmp_path: Path, around: Surroundings) -> None:
    """A folder that is none, one inside a repository, a file, and one that is not there: an error with a hint."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "file").write_text("x")
    repo = story(tmp_path / "repo")
    (repo.path / "sub" / "deeper").mkdir(parents=True)
    for place in (tmp_path / "plain", tmp_path / "file", tmp_path / "nothing"):
        with pytest.raises(Unavailable) as caught:
            scanned(place, around)
        assert caught.value.hint
    with pytest.raises(Unavailable, match="inside a git repository") as caught:
        scanned(repo.path / "sub" / "deeper", around)
    assert str(repo.path) in caught.value.hint


@pytest.mark.parametrize(
    "url", ["file:///nowhere/at/all", "https://127.0.0.1:9/x.git", "ssh://127.0.0.1:9/x.git", "git://127.0.0.1:9/x"]
)
def test_a_url_that_answers_nothing_fails_soon(url: str, around: Surroundings) -> None:
    """Nobody is asked for a password, and what to do is said."""
    reach = Surroundings(around.cwd, around.home, {"PATH": clean(around.home)["PATH"]}, around.clock)
    start = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        scanned(url, reach)
    assert caught.value.hint
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("url", ["--upload-pack=touch x", "-x", "ext::sh -c touch% x", "relative/path", "a\0b"])
def test_what_is_no_path_and_no_url_is_refused(url: str, around: Surroundings) -> None:
    """Nothing that git would take for an option or a command reaches it."""
    with pytest.raises(ConfigError) as caught:
        scanned(url, around)
    assert caught.value.hint


def test_odd_and_huge_names_are_kept_as_they_are(tmp_path: Path, around: Surroundings) -> None:
    """Names of branches, tags, files and people may hold anything that git allows."""
    repo = Repo(tmp_path / "repo")
    repo.commit(
        {"models/gr\u00fc\u00df \u202e\t'\".pt.dvc": dvc_file(out("gr\u00fc\u00df.pt", b"1")), "b\n.onnx": b"x"}
    )
    names = ["se\u2028p", "\u00fc/\U0001f600", "a'b", "-dash", "HEAD", "x" * 240, "$(touch)", "n\x85l"]
    tip = repo.git("rev-parse", "main")
    feed = "".join(f"create refs/{kind}/{name}\0{tip}\0" for name in names for kind in ("heads", "tags"))
    repo.git("update-ref", "-z", "--stdin", feed=feed.encode())
    packed = f"# pack-refs with: peeled fully-peeled sorted\n{tip} refs/tags/{'a/' * 30_000}@v1.0.0\n"
    (repo.path / ".git" / "packed-refs").write_text(packed)
    records = scanned(repo.path, around)
    assert {version.model for version in versions(records)} == {"models/gr\u00fc\u00df.pt", "b\n.onnx"}
    aliases = {record.name for record in records if isinstance(record, Alias)}
    assert {*names} - {"HEAD"} <= aliases


def test_a_broken_configuration_of_dvc_only_loses_places(tmp_path: Path, around: Surroundings) -> None:
    """Without a cache the bytes are nowhere, and everything else is read."""
    repo = story(tmp_path / "repo", tmp_path / "cache")
    (repo.path / ".dvc" / "config").write_text("[cache\ndir = x\n")
    found = {version.name: version for version in versions(scanned(repo.path, around)) if version.model == "net"}
    assert found["v1.0.0"].state is State.PARTIAL
    assert [file.place for file in found["v1.0.0"].files] == [Place.NOWHERE]


def test_a_second_project_in_a_folder_is_kept_apart(tmp_path: Path, around: Surroundings) -> None:
    """`dvc init --subdir`: its params, metrics, data and cache are its own."""
    repo = Repo(tmp_path / "repo")
    files: dict[str, Content] = {}
    for number, folder in enumerate(("", "sub/")):
        files |= {f"{folder}{path}": content for path, content in trained(number + 1).items()}
        files[f"{folder}dvc.yaml"] = dvc_yaml(metrics=["metrics.json"])
        files[f"{folder}.dvc/config"] = f"[cache]\n    dir = {tmp_path}/cache{number}\n"
    repo.commit(files)
    repo.check_out()
    data = tmp_path / "cache1" / "files" / "md5" / out("", b"net 2")["md5"][:2] / out("", b"net 2")["md5"][2:]
    data.parent.mkdir(parents=True)
    data.write_bytes(b"net 2")
    found = {version.model: version for version in versions(scanned(repo.path, around))}
    assert {name: version.params[0].value for name, version in found.items()} == {
        "models/net.pt": 1e-4,
        "sub/models/net.pt": 2e-4,
    }
    assert [metric.value for metric in found["sub/models/net.pt"].metrics] == [0.2, 2.0]
    assert [found[name].files[0].place for name in sorted(found)] == [Place.NOWHERE, Place.CACHE]


def test_many_templates_take_no_time(tmp_path: Path, around: Surroundings) -> None:
    """Patterns of a stranger are matched without trying every way to match them."""
    repo = Repo(tmp_path / "repo")
    name = "${a}a" * 2_000
    files: dict[str, Content] = {
        "dvc.yaml": dvc_yaml(metrics=[name, "${x}" * 50 + "b"]),
        "m/a.pt.dvc": dvc_file(out("a.pt", b"1")),
    }
    repo.commit(files | {f"{'a' * 200}{number}.json": "{}" for number in range(20)})
    start = time.process_time()
    assert versions(scanned(repo.path, around))
    assert time.process_time() - start < 5


def test_dates_that_make_no_sense_are_no_crash(tmp_path: Path, around: Surroundings) -> None:
    """Commits before 1970 and far from now; tags of the same second."""
    repo = Repo(tmp_path / "repo")
    repo.commit({"a.onnx": b"1"}, at=0)
    repo.commit({"a.onnx": b"2"}, at=START * 1_000)
    repo.tag("net@v1.0.0", at=2**40)
    found = versions(scanned(repo.path, around))
    assert {version.created_at for version in found} >= {0.0}
