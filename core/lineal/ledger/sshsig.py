"""The SSHSIG format: what a signature says, and whether it holds over some bytes. See OpenSSH's PROTOCOL.sshsig.

A signature is kept as the base64 of its blob on one line; between its armor's lines it is what `ssh-keygen` reads.
Ed25519 is checked by `cryptography`, all other kinds of key by `ssh-keygen`. That a signature holds says nothing of
whose key it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import shutil
import signal
import struct
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from lineal.errors import BadFormat, Unavailable

ED25519 = "ssh-ed25519"
SECONDS = 20.0  # that `ssh-keygen` may take where nobody is asked anything
_MAGIC = b"SSHSIG"
_HASHES = ("sha512", "sha256")  # those that the format allows
_MOST = 64 << 10  # bytes of a blob
_KEPT = 16 << 10  # bytes of a message whose answer is kept
_WIDTH = 70  # columns of armor
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """A signature's parts. `key` is the public key's blob, `raw` what the key's own algorithm made."""

    key: bytes
    namespace: str
    hash: str  # sha512 or sha256
    algorithm: str  # ssh-ed25519, rsa-sha2-512 ...
    raw: bytes

    @property
    def kind(self) -> str:
        """The kind of key: `ssh-ed25519`, `ssh-rsa`, `sk-ssh-ed25519@openssh.com` ..."""
        return kind_of(self.key)


def parse(text: str) -> Signature:
    """Read a signature from its base64 on one line. Raises BadFormat."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _damaged("no base64") from error
    if len(blob) > _MOST or base64.b64encode(blob).decode() != text:
        raise _damaged("no base64 of a signature")
    if blob[:6] != _MAGIC or blob[6:10] != struct.pack(">I", 1):
        raise _damaged("not of the format SSHSIG, version 1")
    key, namespace, reserved, hashed, signed = _strings(blob[10:], 5)
    algorithm, raw = _strings(signed, 2) if not kind_of(key).startswith("sk-") else _of_a_token(signed)
    hash_name = _word(hashed)
    if hash_name not in _HASHES or reserved:
        raise _damaged("made with a hash or an extension that is not known")
    return Signature(key=key, namespace=_word(namespace), hash=hash_name, algorithm=_word(algorithm), raw=raw)


def unarmored(armor: str) -> str:
    """Return the base64 on one line of a signature as `ssh-keygen` writes it. Raises BadFormat."""
    text = "".join(armor.split("\n")).strip().replace("\r", "")
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise _damaged("without the lines that it begins and ends with")
    text = text[len(_BEGIN) : -len(_END)]
    parse(text)
    return text


def armored(text: str) -> str:
    """Return a signature as `ssh-keygen` reads it."""
    lines = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
    return "\n".join([_BEGIN, *lines, _END, ""])


def to_be_signed(message: bytes, namespace: str, hash_name: str = "sha512") -> bytes:
    """Return the bytes that a key signs for `message`."""
    digest = hashlib.new(hash_name, message).digest()
    return _MAGIC + b"".join(map(_string, (namespace.encode(), b"", hash_name.encode(), digest)))


def built(key: bytes, namespace: str, algorithm: str, raw: bytes, hash_name: str = "sha512") -> str:
    """Return the base64 on one line of a signature of these parts."""
    signed = _string(algorithm.encode()) + _string(raw)
    parts = (key, namespace.encode(), b"", hash_name.encode(), signed)
    return base64.b64encode(_MAGIC + struct.pack(">I", 1) + b"".join(map(_string, parts))).decode()


def fingerprint(key: bytes) -> str:
    """Return what people know a public key's blob by: `SHA256:...`."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def public_line(key: bytes) -> str:
    """Return a public key's blob as the two words that files of keys hold."""
    return f"{kind_of(key)} {base64.b64encode(key).decode()}"


def kind_of(key: bytes) -> str:
    """Return the kind of a public key's blob, `ssh-ed25519` for example. Raises BadFormat."""
    return _word(_leading(key)[0])


def holds(text: str, message: bytes) -> bool:
    """Say whether a signature was made over `message` by the key that is in it.

    Args:
        text: its base64 on one line.
        message: the bytes.

    Raises:
        BadFormat: it is no signature.
        Unavailable: only `ssh-keygen` could say, and it is not installed or does not answer.
    """
    return _holds(text, message) if len(message) <= _KEPT else _holds.__wrapped__(text, message)


@lru_cache(maxsize=4096)  # the same approvals are looked at again at every refresh
def _holds(text: str, message: bytes) -> bool:
    signature = parse(text)
    if signature.kind == ED25519:
        return _ed25519_holds(signature, message)
    return _program_says(signature, text, message)


def _ed25519_holds(signature: Signature, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    _, rest = _leading(signature.key)
    (raw_key,) = _strings(rest, 1)
    try:
        key = Ed25519PublicKey.from_public_bytes(raw_key)
        key.verify(signature.raw, to_be_signed(message, signature.namespace, signature.hash))
    except (InvalidSignature, ValueError):
        return False
    return signature.algorithm == ED25519


def _program_says(signature: Signature, text: str, message: bytes) -> bool:
    """Let `ssh-keygen` check, which is told that the signature's own key is anybody's."""
    with tempfile.TemporaryDirectory(prefix="lineal-") as name:
        folder = Path(name)
        (folder / "allowed").write_text(f"anybody {public_line(signature.key)}\n")
        (folder / "signature").write_text(armored(text))
        wanted = ["-Y", "verify", "-n", signature.namespace, "-I", "anybody"]
        wanted += ["-f", str(folder / "allowed"), "-s", str(folder / "signature")]
        return keygen(wanted, {}, message).status == 0


class Said(msgspec.Struct, frozen=True):
    """What `ssh-keygen` answered."""

    status: int
    out: str
    errors: str


def keygen(arguments: Sequence[str], environ: Mapping[str, str], message: bytes, seconds: float = SECONDS) -> Said:
    """Run `ssh-keygen` over a message where it can ask nobody anything.

    Raises:
        Unavailable: it is not installed, or takes longer than `seconds`.
    """
    program = shutil.which("ssh-keygen")
    if program is None:
        raise Unavailable("ssh-keygen is not installed", hint="install OpenSSH, or sign with a plain ed25519 key")
    mute = {name: value for name, value in environ.items() if name not in _ASKING}
    # Without DISPLAY, askpass and a terminal of its session it has nobody to ask for a passphrase.
    mute |= {"SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C", "PATH": environ.get("PATH", os.defpath)}
    with subprocess.Popen(
        [program, *arguments],
        env=mute,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            out, errors = process.communicate(message, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            hint = "does the key wait for a touch, or its agent for an answer?"
            raise Unavailable(f"ssh-keygen did not answer in {seconds:.0f} s", hint=hint) from error
        except BaseException:  # an interrupt too: the session is ours to end
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return Said(process.returncode, *(text.decode("utf-8", "backslashreplace").strip() for text in (out, errors)))


_ASKING = frozenset({"SSH_ASKPASS", "DISPLAY", "WAYLAND_DISPLAY", "SSH_ASKPASS_REQUIRE"})


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _leading(data: bytes) -> tuple[bytes, bytes]:
    """Return the string that `data` begins with, and what follows it."""
    if len(data) < 4:
        raise _damaged("cut short")
    size = int.from_bytes(data[:4], "big")
    if size > len(data) - 4:
        raise _damaged("cut short")
    return data[4 : 4 + size], data[4 + size :]


def _strings(data: bytes, count: int) -> list[bytes]:
    """Return exactly `count` strings, after which nothing follows."""
    found = []
    for _ in range(count):
        one, data = _leading(data)
        found.append(one)
    if data:
        raise _damaged("longer than it says")
    return found


def _of_a_token(signed: bytes) -> tuple[bytes, bytes]:
    """Return algorithm and signature of a FIDO key, behind which flags and a counter (5 bytes) stand."""
    algorithm, rest = _leading(signed)
    raw, flags = _leading(rest)
    if len(flags) != 5:
        raise _damaged("of a token, but without its flags")
    return algorithm, raw


def _word(data: bytes) -> str:
    """Return a name in the format, which is printable ASCII."""
    text = data.decode("latin-1")
    if not text or not all("!" <= one <= "~" for one in text):
        raise _damaged("damaged: a name in it is none")
    return text


def _damaged(how: str) -> BadFormat:
    return BadFormat(f"the signature is {how}", hint="it was damaged, or never was one")
