"""Signatures that do not count: forged, replayed, expired, of nobody or of somebody else; and keys that do not sign."""

from __future__ import annotations

import base64
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineal.config import Surroundings
from lineal.errors import BadFormat, ConfigError, StoreError, Unavailable
from lineal.ledger import sshsig
from lineal.ledger.events import Event, Move
from lineal.ledger.keys import Key
from lineal.ledger.signers import AllowedSigners
from lineal.ledger.signing import Reason, Refused, Signed, fingerprint, sign, verify
from lineal.model.values import Metric, Tag
from tests.unit.ledger.keyring import ALICE, allowed, approval, by_keygen, key, keygen_accepts, made, needs_ssh, public
from tests.unit.ledger.places import STORE

pytestmark = needs_ssh

OTHER = "6" * 32


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of Alice (of three kinds) and of Mallory."""
    folder = tmp_path_factory.mktemp("ring")
    for kind in ("ed25519", "rsa", "ecdsa"):
        made(folder, kind)
    made(folder, name="mallory")
    return folder


def reason(event: Event, signers: AllowedSigners, store: str = STORE, not_before: float = 0.0) -> Reason | None:
    """Return why a signature does not count; None where it does."""
    answer = verify(event, store, signers, not_before=not_before)
    if isinstance(answer, Refused):
        assert answer.text
        return answer.reason
    return None


TEXT = st.text(max_size=12)
OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "at": st.floats(0, 4e9),
    "number": st.none() | st.integers(1, 99),
    "metrics": st.lists(st.builds(Metric, TEXT, st.floats()), max_size=2).map(tuple),
    "tags": st.lists(st.builds(Tag, TEXT, TEXT), max_size=2).map(tuple),
    "gone": st.lists(TEXT, max_size=2).map(tuple),
    "moves": st.lists(st.builds(Move, TEXT, TEXT), max_size=2).map(tuple),
}
FIELDS = [name for name in Event.__struct_fields__ if name != "signature"]


@given(data=st.data(), name=st.sampled_from(FIELDS))
@settings(max_examples=400, deadline=None)
def test_a_change_of_any_field_is_found(ring: Path, data: st.DataObject, name: str) -> None:
    signed = sign(approval(), STORE, key(ring / "ed25519"))
    value = data.draw(OTHERS.get(name, TEXT))
    changed = msgspec.structs.replace(signed, **{name: value})
    if value != getattr(signed, name):
        assert reason(changed, allowed(ring / "ed25519", "*")) in (Reason.FORGED, Reason.UNCHECKED)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_change_of_any_bit_of_a_signature_is_found(ring: Path, data: st.DataObject) -> None:
    """Also where it could be brought back into its form: none of its bits is without meaning."""
    signed = sign(approval(), STORE, key(ring / "ed25519"))
    blob = bytearray(base64.b64decode(signed.signature))
    bit = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[bit // 8] ^= 1 << bit % 8
    changed = msgspec.structs.replace(signed, signature=base64.b64encode(blob).decode())
    assert reason(changed, allowed(ring / "ed25519", "*")) is not None


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda one: b"SSHSIG\0\0\0\1" + one), st.booleans())
@settings(max_examples=300, deadline=None)
def test_what_is_no_signature_is_called_damaged(data: bytes, coded: bool) -> None:
    text = base64.b64encode(data).decode() if coded else data.decode("latin-1")
    event = msgspec.structs.replace(approval(), store=STORE, signature=text or "A")
    assert reason(event, AllowedSigners()) is Reason.DAMAGED
    with pytest.raises(BadFormat):
        fingerprint(event.signature)


@pytest.mark.parametrize("spelling", ["{}\n", " {}", "{}==", "{}A", "{}AAAA"])
def test_one_signature_is_spelt_one_way(ring: Path, spelling: str) -> None:
    signed = sign(approval(), STORE, key(ring / "ed25519"))
    changed = msgspec.structs.replace(signed, signature=spelling.format(signed.signature))
    assert reason(changed, allowed(ring / "ed25519")) is Reason.DAMAGED


def test_nothing_can_be_put_where_nothing_is_signed(ring: Path) -> None:
    """The format has room for an extension, which is not under the signature as it was made."""
    signed = sign(approval(), STORE, key(ring / "ed25519"))
    blob = base64.b64decode(signed.signature)
    at = blob.index(b"lineal-ledger") + len(b"lineal-ledger")
    assert blob[at : at + 4] == bytes(4)
    stuffed = blob[:at] + b"\0\0\0\3abc" + blob[at + 4 :]
    for one in (stuffed, blob + b"more", blob[:6] + b"\0\0\0\2" + blob[10:], blob.replace(b"sha512", b"sha1\0\0")):
        changed = msgspec.structs.replace(signed, signature=base64.b64encode(one).decode())
        assert reason(changed, allowed(ring / "ed25519")) is Reason.DAMAGED


def test_what_is_not_signed_does_not_count(ring: Path) -> None:
    assert reason(approval(), allowed(ring / "ed25519")) is Reason.UNSIGNED


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_forged_event_is_found_with_every_kind_of_key(ring: Path, kind: str) -> None:
    signed = sign(approval(), STORE, key(ring / kind))
    assert reason(signed, allowed(ring / kind)) is None
    changed = msgspec.structs.replace(signed, version="42")
    assert reason(changed, allowed(ring / kind)) is Reason.FORGED


def test_a_signature_of_another_event_is_forged(ring: Path) -> None:
    first = sign(approval(), STORE, key(ring / "ed25519"))
    second = msgspec.structs.replace(approval(id="b" * 32), store=STORE, signature=first.signature)
    assert reason(second, allowed(ring / "ed25519")) is Reason.FORGED


def test_a_key_put_in_place_of_anothers_is_forged(ring: Path) -> None:
    """Mallory signs, and writes Alice's public key into the signature."""
    parts = sshsig.parse(sign(approval(), STORE, key(ring / "mallory")).signature)
    alice = base64.b64decode(public(ring / "ed25519").split()[1])
    mixed = sshsig.built(alice, parts.namespace, parts.algorithm, parts.raw)
    event = msgspec.structs.replace(approval(), store=STORE, signature=mixed)
    assert reason(event, allowed(ring / "ed25519")) is Reason.FORGED


def test_an_event_replayed_from_another_store_is_found(ring: Path) -> None:
    replayed = sign(approval(), OTHER, key(ring / "ed25519"))
    assert reason(replayed, allowed(ring / "ed25519")) is Reason.STORE
    renamed = msgspec.structs.replace(replayed, store=STORE)
    assert reason(renamed, allowed(ring / "ed25519")) is Reason.FORGED
    assert reason(msgspec.structs.replace(replayed, store=""), allowed(ring / "ed25519"), "") is Reason.FORGED


def test_a_signature_for_another_namespace_does_not_count(ring: Path) -> None:
    for namespace in ("git", "file", "lineal-ledger2"):
        signed = by_keygen(ring / "ed25519", approval(), STORE, namespace)
        assert reason(signed, allowed(ring / "ed25519")) is Reason.NAMESPACE
    signed = sign(approval(), STORE, key(ring / "ed25519"))
    assert reason(signed, allowed(ring / "ed25519", options='namespaces="git"')) is Reason.NAMESPACE


def test_a_key_that_nobody_listed_does_not_count(ring: Path) -> None:
    signed = sign(approval(), STORE, key(ring / "mallory"))
    assert reason(signed, allowed(ring / "ed25519", "*")) is Reason.UNKNOWN
    assert reason(signed, AllowedSigners()) is Reason.UNKNOWN


@pytest.mark.parametrize("as_key", [True, False])
def test_a_revoked_key_does_not_count(ring: Path, tmp_path: Path, as_key: bool) -> None:
    signed = sign(approval(), STORE, key(ring / "ed25519"))
    line, mine = f"alice@example.com {public(ring / 'ed25519')}", public(ring / "ed25519")
    revoked = f"# left\n{mine if as_key else fingerprint(signed.signature)}\n"
    assert reason(signed, AllowedSigners.parse(line, revoked)) is Reason.REVOKED
    assert reason(signed, AllowedSigners.parse(line, public(ring / "mallory"))) is None
    assert not keygen_accepts(tmp_path, line, signed, "alice@example.com", revoked=mine)


def test_nobody_signs_for_somebody_else(ring: Path) -> None:
    both = f"alice@example.com,Alice {public(ring / 'ed25519')}\nmallory,mallory@x {public(ring / 'mallory')}\n"
    signers = AllowedSigners.parse(both)
    for by in (ALICE, "Alice <mallory@x>", "mallory <alice@example.com>", "Alice", "alice@example.com", "", "bob"):
        signed = sign(approval(by=by), STORE, key(ring / "mallory"))
        assert reason(signed, signers) is Reason.PRINCIPAL, by
    own = sign(approval(by="mallory <mallory@x>"), STORE, key(ring / "mallory"))
    assert reason(own, signers) is None


EXPIRY = 1_790_000_000.0
EXPIRED = 'valid-before="20260921141320Z"'


def test_an_expired_key_does_not_count_and_what_it_signed_before_does(ring: Path) -> None:
    signers = allowed(ring / "ed25519", options=EXPIRED)
    before, after = (sign(approval(at=EXPIRY + one), STORE, key(ring / "ed25519")) for one in (-1.0, 1.0))
    assert reason(before, signers) is None
    assert reason(after, signers) is Reason.EXPIRED
    early = allowed(ring / "ed25519", options=EXPIRED.replace("before", "after"))
    assert reason(before, early) is Reason.EARLY
    assert reason(after, early) is None


@pytest.mark.parametrize(
    ("at", "not_before", "found"),
    [
        (-3600.0, -7200.0, None),  # in its turn
        (-3600.0, -3500.0, None),  # two clocks that differ by little
        (-3600.0, 3600.0, Reason.BACKDATED),  # written when the key had expired, said to be older
        (-86400.0 * 30, 1.0, Reason.BACKDATED),
        (-3600.0, -1.0, None),  # late, but the key held still
        (-1.0, 599.0, None),  # within what clocks differ by
        (-1.0, 600.0, Reason.BACKDATED),
    ],
)
def test_an_expired_key_cannot_sign_with_an_old_date(
    ring: Path, at: float, not_before: float, found: Reason | None
) -> None:
    signed = sign(approval(at=EXPIRY + at), STORE, key(ring / "ed25519"))
    signers = allowed(ring / "ed25519", options=EXPIRED)
    assert reason(signed, signers, not_before=EXPIRY + not_before) is found
    endless = allowed(ring / "ed25519")
    assert reason(signed, endless, not_before=EXPIRY + not_before) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("alice", "no principals and key"),
        ("alice ssh-ed25519", "ssh-ed"),
        ("alice ssh-ed25519 AAAA", "damaged"),
        ("alice ssh-ed25519 {rsa}", "ssh-rsa"),
        ("alice ssh-ed25519 {ed}x", "damaged"),
        ("alice cert-authority ssh-ed25519 {ed}", "certificate authorities"),
        ('alice namespaces="a",cert-authority ssh-ed25519 {ed}', "certificate authorities"),
        ("alice no-pty ssh-ed25519 {ed}", "no-pty"),
        ("alice valid-before=20260101 ssh-ed25519 {ed}", "quotation marks"),
        ('alice valid-before="" ssh-ed25519 {ed}', "quotation marks"),
        ('alice valid-before="2026" ssh-ed25519 {ed}', "no date"),
        ('alice valid-before="20261301Z" ssh-ed25519 {ed}', "no date"),
        ('alice valid-before="2026010١Z" ssh-ed25519 {ed}', "no date"),
        ('alice valid-before="20260101",valid-before="20270101" ssh-ed25519 {ed}', "twice"),
        ('alice valid-after="20270101Z",valid-before="20260101Z" ssh-ed25519 {ed}', "later"),
        ('alice namespaces="git ssh-ed25519 {ed}', "quotation marks"),
        ('"alice ssh-ed25519 {ed}', "no principals"),
        ('"" ssh-ed25519 {ed}', "no principals"),
        ("{ed}", "no principals"),
    ],
)
def test_a_wrong_line_is_named(ring: Path, line: str, said: str) -> None:
    ed, rsa = (public(ring / kind).split()[1] for kind in ("ed25519", "rsa"))
    text = f"# keys\nbob {public(ring / 'rsa')}\n{line.format(ed=ed, rsa=rsa)}\n"
    with pytest.raises(ConfigError, match=said) as caught:
        AllowedSigners.parse(text)
    assert "line 3" in caught.value.message
    assert caught.value.hint


@given(st.text(max_size=200))
def test_any_text_is_a_file_or_a_clear_error(text: str) -> None:
    for one in (text, f"a {text}", f'a namespaces="{text}" ssh-ed25519 {text}'):
        try:
            AllowedSigners.parse(one)
        except ConfigError as error:
            assert "line" in error.message


def test_a_binary_list_and_a_file_without_end_are_refused(ring: Path) -> None:
    with pytest.raises(ConfigError, match="binary"):
        AllowedSigners.parse("", "SSHKRL\n\0")
    with pytest.raises(ConfigError, match="MiB"):
        AllowedSigners.parse("# \n" * (1 << 20))


def test_a_certificate_does_not_sign(ring: Path, tmp_path: Path) -> None:
    """What an authority vouches for is unknown, since no authority is."""
    alice = made(tmp_path, name="alice")
    command = ["ssh-keygen", "-q", "-s", str(ring / "mallory"), "-I", "alice", "-n", "alice@example.com"]
    subprocess.run([*command, str(alice) + ".pub"], check=True, stdin=subprocess.DEVNULL)
    (tmp_path / "alice-cert.pub").replace(tmp_path / "alice.pub")
    signed = by_keygen(alice, approval(), STORE)
    assert "cert" in sshsig.parse(signed.signature).kind
    with pytest.raises(ConfigError, match="certificates are not supported"):
        AllowedSigners.parse(f"alice@example.com {public(alice)}")
    assert reason(signed, allowed(ring / "mallory", "*")) in (Reason.UNKNOWN, Reason.FORGED)


def test_a_key_with_a_passphrase_is_an_error_and_asks_nobody(tmp_path: Path) -> None:
    locked = made(tmp_path, passphrase="open sesame")
    asked = tmp_path / "asked"
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\ntouch {asked}\necho open sesame\n")
    ask.chmod(0o700)
    environ = {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
    began = time.monotonic()
    with pytest.raises(ConfigError, match="passphrase") as caught:
        sign(approval(), STORE, key(locked, environ))
    assert time.monotonic() - began < 10
    assert "ssh-add" in caught.value.hint
    assert not asked.exists()


def test_a_public_key_without_its_agent_is_an_error(tmp_path: Path, ring: Path) -> None:
    alone = tmp_path / "alone.pub"
    alone.write_text(public(ring / "ed25519") + "\n")
    gone = {"SSH_AUTH_SOCK": str(tmp_path / "gone")}
    for one in (key(alone), key(alone, gone), Key(public=public(ring / "ed25519"))):
        with pytest.raises(ConfigError, match="agent") as caught:
            sign(approval(), STORE, one)
        assert "ssh-add" in caught.value.hint


def test_an_agent_that_hangs_does_not_hang_us(tmp_path: Path, ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr("lineal.ledger.keys.SECONDS", 0.5)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "agent"))
        silent.listen()
        with pytest.raises(Unavailable, match="did not answer"):
            sign(approval(), STORE, key(ring / "rsa", {"SSH_AUTH_SOCK": str(tmp_path / "agent")}))


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    path = made(tmp_path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="read by others") as caught:
        sign(approval(), STORE, key(path))
    assert "chmod" in caught.value.hint


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"]
)
def test_what_is_no_key_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError):
        sign(approval(), STORE, key(path))
    with pytest.raises(ConfigError):
        sign(approval(), STORE, key(tmp_path / "gone"))


def test_without_ssh_keygen_ed25519_works_and_others_say_what_is_missing(
    ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = approval(message="never looked at before")
    plain, rsa = (sign(event, STORE, key(ring / kind)) for kind in ("ed25519", "rsa"))
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert isinstance(verify(plain, STORE, allowed(ring / "ed25519")), Signed)
    assert reason(rsa, allowed(ring / "rsa")) is Reason.UNCHECKED
    assert sign(event, STORE, key(ring / "ed25519")).signature == plain.signature
    with pytest.raises(Unavailable, match="not installed"):
        sign(approval(), STORE, key(ring / "rsa"))


def test_git_that_is_missing_or_broken_names_no_key(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    (around.home / ".gitconfig").write_text("[gpg\n")
    with pytest.raises(ConfigError, match="no key"):
        Key.of("", around)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ConfigError, match="no key"):
        Key.of("", around)


def test_what_cannot_be_written_down_is_not_signed(ring: Path) -> None:
    with pytest.raises(StoreError):
        sign(approval(number="first"), STORE, key(ring / "ed25519"))
