"""What a repository knows of passwords stays in the repository; what is no URL at all stops nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.model.records import Record
from lineal.model.version import Version
from lineal.registries import connect
from tests.sources.dvc import Repo, dvc_file, out

SECRET = "s3cret-of-ada"
SIGNED = f"https://ada:{SECRET}@example.com/models.git"


def _scan(repo: Repo, home: Path) -> list[Record]:
    registry = connect(RegistrySpec(name="r", kind="dvc", url=str(repo.path)), Surroundings(home, home, {}))
    return list(registry.scan({}))


def _imported(url: str) -> dict[str, str]:
    repo = {"url": url, "rev_lock": "a" * 40}
    return {
        "model.pt.dvc": dvc_file(out("model.pt", b"model"), deps=[{"path": "models/model.pt", "repo": repo}]),
        "rows.csv.dvc": dvc_file(out("rows.csv", b"rows"), deps=[{"path": f"{url}/rows.csv", "etag": "1"}]),
        "other.pt.dvc": dvc_file(out("other.pt", b"other"), deps=[{"path": f"{url}/other.pt", "md5": "b" * 32}]),
    }


def test_no_record_holds_a_password(tmp_path: Path) -> None:
    """Neither those in the URLs of imports, remotes and origins, nor what is in `config.local`."""
    repo = Repo(tmp_path / "repo")
    config = f"['remote \"store\"']\n    url = s3://ada:{SECRET}@bucket/prefix\n[core]\n    remote = store\n"
    repo.commit({**_imported(SIGNED), ".dvc/config": config})
    repo.check_out()
    repo.git("remote", "add", "origin", SIGNED)
    local = f"['remote \"store\"']\n    password = {SECRET}\n    secret_access_key = {SECRET}\n"
    (repo.path / ".dvc" / "config.local").write_text(local)
    records = _scan(repo, tmp_path)
    said = msgspec.json.encode(records).decode()
    assert SECRET not in said
    assert "https://example.com/models.git" in said
    assert "s3://bucket/prefix/files/md5/" in said


@pytest.mark.parametrize("url", ["https://[nowhere/x.git", "https://ada@:x:/", "://", "git@host:x"])
def test_what_is_no_url_is_kept_as_it_is(tmp_path: Path, url: str) -> None:
    """A malformed URL in a file, a remote or the origin leaves the versions readable."""
    repo = Repo(tmp_path / "repo")
    config = f"['remote \"store\"']\n    url = {url}\n[core]\n    remote = store\n"
    repo.commit({**_imported(url), ".dvc/config": config})
    repo.check_out()
    repo.git("config", "remote.origin.url", url)
    assert {record.model for record in _scan(repo, tmp_path) if isinstance(record, Version)} == {"model.pt", "other.pt"}
