"""The report of a bug holds no secret, no control character of others, and nothing that others may read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lineal.cli.crash import told, without_secrets
from lineal.cli.errors import BUG, guarded
from lineal.config import Surroundings

ENVIRON = {
    "HF_TOKEN": "hf-secret-value",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG",
    "MLFLOW_TRACKING_PASSWORD": "correct horse",
    "LINEAL_INDEX": "postgresql://me:pgpass99@db/lineal",
    "SSH_AUTH_SOCK": "/run/agent.sock",
    "LANG": "C.UTF-8",
}


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("GET https://me:pa55word@host/api failed", "pa55word"),
        ("https://ghp_abcdefabcdef1234@github.com/x.git", "ghp_abcdefabcdef1234"),
        ("https://s3/b/k?X-Amz-Signature=abcdef0123&X-Amz-Expires=60", "abcdef0123"),
        ("https://hooks.example/x?token=t0k3nt0k3n", "t0k3nt0k3n"),
        ("Authorization: Bearer abc.def.ghi", "abc.def.ghi"),
        ("{'Authorization': 'Basic bWU6cGFzcw=='}", "bWU6cGFzcw"),
        ("password=hunter22 host=db", "hunter22"),
        ('{"api_key": "0123456789abcdef"}', "0123456789abcdef"),
        ("found hf_abcdefghijklmnopqrst in a card", "hf_abcdefghijklmnopqrst"),
        ("key AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSM", "eyJzdWIiOiIx"),
        ("sent 'hf-secret-value' to the hub", "hf-secret-value"),
        ("wJalrXUtnFEMI/K7MDENG", "K7MDENG"),
        ("login with correct horse", "correct horse"),
        ('authentication failed with "pgpass99"', "pgpass99"),
    ],
)
def test_secrets_are_hidden(said: str, secret: str) -> None:
    kept = without_secrets(said, ENVIRON)
    assert secret not in kept
    assert "***" in kept or "$" in kept


def test_what_is_no_secret_stays() -> None:
    said = "agent at /run/agent.sock; https://host:8080/api/2.0/models is not found; metric auc=0.93; LANG C.UTF-8"
    assert without_secrets(said, ENVIRON) == said


def broken(message: str) -> int:
    token = "a-local-secret"
    assert token
    raise KeyError(message)


def test_the_report_names_the_line_but_no_value(tmp_path: Path) -> None:
    try:
        broken("https://me:pa55word@host\x1b[2J\x9b\u202e " + "x" * 300_000)
    except KeyError as error:
        text = told(error, Surroundings(tmp_path, tmp_path, ENVIRON))
    assert "in broken" in text
    assert "raise KeyError(message)" in text
    assert "pa55word" not in text
    assert not {"\x1b", "\x9b", "\u202e"} & set(text)
    assert len(text) < 201_000


def test_it_is_written_where_only_its_owner_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HF_TOKEN", "hf-secret-value")
    assert guarded(lambda: broken("it was \x1b[31mhf-secret-value")) == BUG
    (file,) = (tmp_path / "state" / "lineal").iterdir()
    said = capsys.readouterr().err
    assert f"in {file}" in said
    assert "hf-secret-value" not in said + file.read_text()
    assert "\x1b" not in said + file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_place_for_it_the_report_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert guarded(lambda: broken("https://me:pa55word@host")) == BUG
    said = capsys.readouterr().err
    assert "raise KeyError(message)" in said
    assert "traceback is above" in said
    assert "pa55word" not in said
