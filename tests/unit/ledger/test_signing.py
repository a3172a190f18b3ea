"""Signed events: what we sign `ssh-keygen` accepts, what it signs we accept, and a file of signers means the same."""

from __future__ import annotations

import base64
import hashlib
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineal.config import Surroundings
from lineal.errors import ConfigError
from lineal.ledger import events, sshsig
from lineal.ledger.events import Entry, Event
from lineal.ledger.keys import Key
from lineal.ledger.signers import AllowedSigners, candidates, matches
from lineal.ledger.signing import NAMESPACE, Reason, Refused, Signed, fingerprint, message, sign, verify
from tests.unit.ledger.keyring import (
    agent,
    allowed,
    approval,
    by_keygen,
    held,
    key,
    keygen_accepts,
    made,
    needs_ssh,
    public,
)
from tests.unit.ledger.places import STORE

pytestmark = needs_ssh


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One key of every kind, and one with a passphrase."""
    folder = tmp_path_factory.mktemp("ring")
    for kind in ("ed25519", "rsa", "ecdsa"):
        made(folder, kind)
    made(folder, "ed25519", "open sesame", "locked")
    made(folder, "ed25519", name="other")
    return folder


@pytest.fixture(scope="module")
def holder(ring: Path) -> Iterator[dict[str, str]]:
    """An agent that holds the locked key."""
    with agent(ring) as environ:
        held(ring / "locked", environ, "open sesame")
        yield environ


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_what_we_sign_ssh_keygen_accepts(ring: Path, kind: str, tmp_path: Path) -> None:
    signed = sign(approval(), STORE, key(ring / kind))
    line = f"alice@example.com {public(ring / kind)}"
    assert keygen_accepts(tmp_path, line, signed, "alice@example.com")
    changed = msgspec.structs.replace(signed, message="not fine")
    assert not keygen_accepts(tmp_path, line, changed, "alice@example.com")


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_what_ssh_keygen_signs_we_accept(ring: Path, kind: str) -> None:
    signed = by_keygen(ring / kind, approval(), STORE)
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(ring / kind)], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert verify(signed, STORE, allowed(ring / kind)) == Signed(principal="alice@example.com", fingerprint=listed)
    assert fingerprint(signed.signature) == listed


def test_a_plain_key_signs_alike_both_ways(ring: Path) -> None:
    """Ed25519 is deterministic: with and without `ssh-keygen` the signature is the same, byte for byte."""
    ours, theirs = sign(approval(), STORE, key(ring / "ed25519")), by_keygen(ring / "ed25519", approval(), STORE)
    assert ours.signature == theirs.signature


def test_a_plain_key_in_pem_signs_as_well(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    private = Ed25519PrivateKey.generate()
    path = tmp_path / "pem"
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    signed = sign(approval(), STORE, key(path))
    assert keygen_accepts(tmp_path, f"alice@example.com {line}", signed, "alice@example.com")
    assert isinstance(verify(signed, STORE, AllowedSigners.parse(f"alice@example.com {line}")), Signed)


def test_a_signed_event_holds_after_it_was_written_and_read(ring: Path) -> None:
    """Also with what JSON cannot write, and with a whole number where a decimal belongs."""
    for event in (approval(), approval(at=1_790_000_000), approval(metrics=(), message="", tags=())):
        signed = sign(event, STORE, key(ring / "ed25519"))
        again = events.decode(events.encode(Entry(number=1, before="", event=signed))).event
        assert isinstance(verify(again, STORE, allowed(ring / "ed25519")), Signed)


def test_an_agent_signs_with_what_is_locked(ring: Path, holder: dict[str, str], tmp_path: Path) -> None:
    """By the private key's path, by the public key's, and by the public key itself."""
    alone = tmp_path / "alone.pub"
    alone.write_text(public(ring / "locked") + "\n")
    literal = Key(public=public(ring / "locked"), environ=holder)
    for one in (key(ring / "locked", holder), key(alone, holder), literal):
        signed = sign(approval(), STORE, one)
        assert isinstance(verify(signed, STORE, allowed(ring / "locked")), Signed)


def _git(around: Surroundings, name: str, value: str) -> None:
    with (around.home / ".gitconfig").open("a") as stream:
        section, _, variable = name.rpartition(".")
        stream.write(f"[{section}]\n\t{variable} = {value}\n")


def test_the_key_is_that_of_git_where_none_is_named(around: Surroundings) -> None:
    (around.home / ".ssh").mkdir()
    path = made(around.home / ".ssh")
    _git(around, "user.signingkey", "~/.ssh/ed25519")
    with pytest.raises(ConfigError, match="no key") as caught:  # git signs with OpenPGP: that key is none of ours
        Key.of("", around)
    assert "gpg.format=ssh" in caught.value.hint
    _git(around, "gpg.format", "ssh")
    assert Key.of("", around).path == Key.of("git", around).path == str(path)


def test_git_may_name_the_key_itself(around: Surroundings, ring: Path) -> None:
    _git(around, "gpg.format", "ssh")
    for written in (public(ring / "locked"), f"key::{public(ring / 'locked')}"):
        _git(around, "user.signingkey", written)
        assert Key.of("", around).public == public(ring / "locked")


def test_a_key_is_named_by_its_path(around: Surroundings) -> None:
    path = made(around.home)
    assert Key.of("~/ed25519", around).path == Key.of(str(path), around).path == str(path)
    made(around.cwd)
    assert Key.of("ed25519", around).path == str(around.cwd / "ed25519")
    with pytest.raises(ConfigError, match="there is no key at"):
        Key.of("~/elsewhere", around)


PATTERN = st.lists(st.sampled_from(["*", "?", "a", "b", "@", "!", ","]), max_size=8).map("".join)


@given(pattern=PATTERN, principal=st.text("ab@", min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_patterns_mean_what_they_mean_to_ssh(ring: Path, pattern: str, principal: str) -> None:
    """`ssh-keygen -Y match-principals` is the oracle."""
    line = f"{pattern} {public(ring / 'other')}"
    try:
        ours = bool(AllowedSigners.parse(line).signers[0].principal([principal]))
    except ConfigError:
        ours = False
    (ring / "allowed").write_text(line + "\n")
    command = ["ssh-keygen", "-Y", "match-principals", "-I", principal, "-f", str(ring / "allowed")]
    theirs = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode == 0
    assert ours == theirs


def test_patterns_take_no_long_time() -> None:
    assert matches("a" * 4000, "*a" * 40 + "b") is False
    assert matches("bob@x", "*@x,!bob@x") is None


def test_somebody_is_known_by_mail_by_name_and_by_both() -> None:
    assert candidates("Alice Doe <alice@x>") == ("alice@x", "Alice Doe <alice@x>", "Alice Doe")
    assert candidates("<alice@x>") == ("alice@x", "<alice@x>")
    assert candidates("alice") == ("alice",)
    assert candidates("a <b> <c>") == ("a <b> <c>",)
    assert candidates("") == ()


@pytest.mark.parametrize(
    ("principals", "by", "principal"),
    [
        ("alice@example.com", "Alice <alice@example.com>", "alice@example.com"),
        ("*@example.com", "Alice <alice@example.com>", "alice@example.com"),
        ("Alice", "Alice <alice@example.com>", "Alice"),
        ('"Alice Doe,alice@x"', "Alice Doe", "Alice Doe"),
        ("ci-*,alice", "ci-7", "ci-7"),
        ('"Alice <*>"', "Alice <a@x>", "Alice <a@x>"),
        ("bob@example.com", "Alice <alice@example.com>", None),
        ("*,!alice@example.com", "Alice <alice@example.com>", None),
        ("ALICE@example.com", "Alice <alice@example.com>", None),
        ("*", "", None),
    ],
)
def test_principals_speak_for_whom_they_match(ring: Path, principals: str, by: str, principal: str | None) -> None:
    signed = sign(approval(by=by), STORE, key(ring / "ed25519"))
    answer = verify(signed, STORE, allowed(ring / "ed25519", principals))
    assert (answer.principal if isinstance(answer, Signed) else None) == principal


def test_a_key_may_stand_in_several_lines(ring: Path) -> None:
    mine = public(ring / "ed25519")
    text = f'# the team\n\nbob@x {mine}\nalice@example.com valid-before="20200101Z" {mine} a comment\nAl* {mine}\r\n'
    signed = sign(approval(), STORE, key(ring / "ed25519"))
    answer = verify(signed, STORE, AllowedSigners.parse(text))
    assert isinstance(answer, Signed)
    assert answer.principal == "Alice <alice@example.com>"


@pytest.mark.parametrize(
    ("options", "at", "good"),
    [
        ('valid-after="20260921141320Z"', 1_790_000_000.0, True),
        ('valid-after="20260921141321Z"', 1_790_000_000.0, False),
        ('valid-before="20260921141320Z"', 1_790_000_000.0, True),
        ('valid-before="20260921141320Z"', 1_790_000_000.5, False),
        ('valid-before="202609211413Z"', 1_790_000_000.0, False),
        ('valid-before="20260922Z",valid-after="20260921utc"', 1_790_000_000.0, True),
        ('VALID-BEFORE="20260921Z"', 1_790_000_000.0, False),
        ('namespaces="lineal-*,git"', 1_790_000_000.0, True),
        ('namespaces="git"', 1_790_000_000.0, False),
        ('namespaces="*,!lineal-ledger"', 1_790_000_000.0, False),
    ],
)
def test_options_hold(ring: Path, options: str, at: float, good: bool) -> None:
    signed = sign(approval(at=at), STORE, key(ring / "ed25519"))
    answer = verify(signed, STORE, allowed(ring / "ed25519", options=options))
    assert isinstance(answer, Signed if good else Refused)


TIMES = ["20260921", "20260921Z", "202609211413", "202609211413Z", "20260921141320", "20260921141320utc"]


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Kathmandu"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Be somewhere else for a while."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.parametrize("name", ["valid-after", "valid-before"])
@pytest.mark.parametrize("written", TIMES)
def test_times_mean_what_they_mean_to_ssh_keygen(
    ring: Path, tmp_path: Path, zone: str, name: str, written: str
) -> None:
    """To the second, in every zone: in September New York has summer time, which ssh does not count."""
    line = f'alice@example.com {name}="{written}" {public(ring / "ed25519")}'
    signer = AllowedSigners.parse(line).signers[0]
    turn = signer.after if name == "valid-after" else signer.before
    assert turn is not None
    for at in (turn - 1, turn, turn + 1):
        signed = sign(approval(at=at), STORE, key(ring / "ed25519"))
        ours = isinstance(verify(signed, STORE, AllowedSigners.parse(line)), Signed)
        assert ours == keygen_accepts(tmp_path, line, signed, "alice@example.com", at=at)
        assert ours == (at >= turn if name == "valid-after" else at <= turn)


def test_the_message_is_canonical_json() -> None:
    said = message(approval(signature="x", store="y"), STORE)
    assert b'"signature"' not in said
    assert f'"store":"{STORE}"'.encode() in said
    assert list(msgspec.json.decode(said)) == sorted(msgspec.json.decode(said))


def test_armor_goes_there_and_back(ring: Path) -> None:
    signature = sign(approval(), STORE, key(ring / "ed25519")).signature
    assert sshsig.unarmored(sshsig.armored(signature)) == signature
    assert sshsig.unarmored(sshsig.armored(signature).replace("\n", "\r\n")) == signature


def test_a_token_is_checked_as_well(tmp_path: Path) -> None:
    """A FIDO key made in software: what it signs stands between flags and a counter, as a token would have it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    kind, application = b"sk-ssh-ed25519@openssh.com", b"ssh:"
    token, flags = Ed25519PrivateKey.generate(), b"\x01" + struct.pack(">I", 7)
    blob = _string(kind) + _string(token.public_key().public_bytes_raw()) + _string(application)

    def touched(event: Event) -> Event:
        digest = hashlib.sha256(sshsig.to_be_signed(message(event, STORE), NAMESPACE)).digest()
        raw = token.sign(hashlib.sha256(application).digest() + flags + digest)
        signed = _string(kind) + _string(raw) + flags
        parts = (blob, NAMESPACE.encode(), b"", b"sha512", signed)
        text = base64.b64encode(b"SSHSIG" + struct.pack(">I", 1) + b"".join(map(_string, parts))).decode()
        return msgspec.structs.replace(event, store=STORE, signature=text)

    line = f"alice@example.com {sshsig.public_line(blob)}"
    signed = touched(approval())
    assert keygen_accepts(tmp_path, line, signed, "alice@example.com")
    assert isinstance(verify(signed, STORE, AllowedSigners.parse(line)), Signed)
    changed = verify(msgspec.structs.replace(signed, alias="dev"), STORE, AllowedSigners.parse(line))
    assert isinstance(changed, Refused)
    assert changed.reason is Reason.FORGED


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def test_who_signs_nothing_does_not_wait_for_cryptography() -> None:
    code = "import sys, lineal.ledger.signing; print('cryptography' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
