"""The user's key: a private key in a file, or a public one whose private half an agent or a token holds.

A plain ed25519 key signs through `cryptography`, without another process. All others sign through `ssh-keygen`, which
asks the agent, and never a person: a key with a passphrase must be in the agent.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lineal.config import Surroundings, place
from lineal.errors import BadFormat, ConfigError
from lineal.ledger import sshsig

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECONDS = 60.0  # that a person may take to touch a token
_MOST = 64 << 10  # bytes of a file with a key
_PUBLIC = ("ssh-", "ecdsa-", "sk-")
_GIT_SECONDS = 10.0
_NONE = "name one in the [signing] section of your config.toml, or give git one: gpg.format=ssh and user.signingkey"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key to sign with, read when it signs."""

    path: str = ""  # absolute
    public: str = ""  # a public key's line in place of a file
    environ: Mapping[str, str] = {}  # where the agent is found

    @classmethod
    def of(cls, setting: str, around: Surroundings) -> Key:
        """Find the user's key.

        Args:
            setting: the path of a private or a public key (`~/` is the home folder), or a public key itself; "" or
                "git" for git's `user.signingkey`, where git signs with SSH keys.
            around: the surroundings of the process.

        Raises:
            ConfigError: there is none.
        """
        wanted = _of_git(around) if setting in ("", "git") else setting
        if not wanted:
            raise ConfigError("there is no key to sign with", hint=_NONE)
        literal = wanted.removeprefix("key::")
        if literal != wanted or (literal.startswith(_PUBLIC) and " " in literal):
            return cls(public=literal, environ=around.environ)
        path = Path(place(wanted, around.cwd, around.home))
        if not path.is_file():
            raise ConfigError(f"there is no key at {path}", hint=_NONE)
        return cls(path=str(path), environ=around.environ)

    def sign(self, message: bytes, namespace: str) -> str:
        """Return a signature of a message, in base64 on one line.

        Raises:
            ConfigError: the key cannot be read, can be read by others, or wants a passphrase.
            Unavailable: `ssh-keygen` is needed and not installed, or did not answer in 60 s.
        """
        plain = self._plain()
        if plain is not None:
            return _signed(plain, message, namespace)
        if self.path:
            return self._by_program(self.path, message, namespace)
        with tempfile.TemporaryDirectory(prefix="lineal-") as folder:
            file = Path(folder) / "key.pub"
            file.write_text(self.public + "\n")
            return self._by_program(str(file), message, namespace)

    def _plain(self) -> Ed25519PrivateKey | None:
        """Return the key, where it is one that needs neither a passphrase nor another program."""
        data = self._content()
        if not data.startswith(b"-----BEGIN ") or b"PRIVATE KEY-----" not in data:
            return None
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

        load = load_ssh_private_key if b"BEGIN OPENSSH" in data[:40] else load_pem_private_key
        try:
            key = load(data, None)
        except (TypeError, ValueError, UnsupportedAlgorithm):
            return None  # a passphrase, a token, or damage: ssh-keygen says which
        return key if isinstance(key, Ed25519PrivateKey) else None

    def _content(self) -> bytes:
        """Return the key's file. Raises ConfigError."""
        if not self.path:
            return b""
        try:
            with Path(self.path).open("rb") as stream:
                data, status = stream.read(_MOST + 1), os.fstat(stream.fileno())
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be read: {error.strerror}", hint="check its permissions") from error
        if len(data) > _MOST or not data.strip():
            raise ConfigError(f"{self.path} is no key", hint=_NONE)
        if b"PRIVATE KEY-----" in data and status.st_uid == os.getuid() and status.st_mode & 0o077:
            raise ConfigError(f"{self.path} can be read by others", hint=f"chmod 600 {self.path}")
        return data

    def _by_program(self, path: str, message: bytes, namespace: str) -> str:
        said = sshsig.keygen(["-Y", "sign", "-n", namespace, "-f", path], self.environ, message, SECONDS)
        if said.status == 0:
            try:
                return sshsig.unarmored(said.out)
            except BadFormat as error:
                raise ConfigError("ssh-keygen gave no signature", hint=said.errors[:200]) from error
        raise self._refusal(said.errors)

    def _refusal(self, errors: str) -> ConfigError:
        name = self.path or "the key"
        if "passphrase" in errors or b"ENCRYPTED" in self._content():
            return ConfigError(f"{name} has a passphrase, and no agent holds it", hint=f"`ssh-add {self.path}` first")
        if "No private key" in errors or "agent" in errors.lower():
            return ConfigError(f"no agent holds the private half of {name}", hint="`ssh-add` it first")
        last = errors.splitlines()[-1] if errors else "it said nothing"
        return ConfigError(f"ssh-keygen cannot sign with {name}: {last[:200]}", hint="try `ssh-keygen -Y sign` with it")


def _signed(key: Ed25519PrivateKey, message: bytes, namespace: str) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    raw = key.sign(sshsig.to_be_signed(message, namespace))
    return sshsig.built(base64.b64decode(line.split()[1]), namespace, sshsig.ED25519, raw)


def _of_git(around: Surroundings) -> str:
    """Return git's `user.signingkey` where git signs with SSH keys, else ""."""
    if _git("gpg.format", around) != "ssh":
        return ""
    found = _git("user.signingkey", around)
    return found if found.startswith(("key::", *_PUBLIC)) else _git("user.signingkey", around, "--type=path")


def _git(name: str, around: Surroundings, *options: str) -> str:
    """Return one value of the user's and the repository's configuration; "" for none. Nothing that it names runs."""
    program = shutil.which("git")
    if program is None:
        return ""
    environ = {"PATH": os.defpath, **around.environ, "HOME": str(around.home), "GIT_TERMINAL_PROMPT": "0"}
    try:
        found = subprocess.run(
            [program, "-C", str(around.cwd), "config", *options, "--get", name],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.decode("utf-8", "surrogateescape").strip() if found.returncode == 0 else ""
