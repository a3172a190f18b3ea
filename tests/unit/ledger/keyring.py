"""Keys made by the real `ssh-keygen`, an agent to hold them, and events signed with them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lineal.ledger import sshsig
from lineal.ledger.events import Event
from lineal.ledger.keys import Key
from lineal.ledger.signers import AllowedSigners
from lineal.ledger.signing import NAMESPACE, message
from lineal.model.values import Metric, Tag

KINDS = {"ed25519": (), "rsa": ("-b", "2048"), "ecdsa": ("-b", "256")}
ALICE = "Alice <alice@example.com>"
needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen (openssh-client)")


def made(folder: Path, kind: str = "ed25519", passphrase: str = "", name: str = "") -> Path:
    """Make a key and return the path of its private half."""
    path = folder / (name or kind)
    arguments = ["-q", "-t", kind, *KINDS[kind], "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run(["ssh-keygen", *arguments], check=True, stdin=subprocess.DEVNULL)
    return path


def public(path: Path) -> str:
    """Return the public half as a file of allowed signers holds it."""
    return path.with_name(path.name + ".pub").read_text().strip()


def allowed(path: Path, principals: str = "alice@example.com", options: str = "") -> AllowedSigners:
    """Allow one key."""
    return AllowedSigners.parse(" ".join(word for word in (principals, options, public(path)) if word))


def approval(**said: object) -> Event:
    """Return an event in which most is filled in."""
    fields = {
        "id": "a" * 32,
        "kind": "approved",
        "at": 1_790_000_000.5,
        "by": ALICE,
        "host": "desk",
        "registry": "mlflow",
        "model": "churn",
        "version": "41",
        "alias": "prod",
        "message": "fine: ü \udcff",
        "metrics": (Metric("auc", 0.93), Metric("loss", float("nan"))),
        "tags": (Tag("risk", "low"),),
    }
    return Event(**fields | said)  # type: ignore[arg-type]


def by_keygen(path: Path, event: Event, store: str, namespace: str = NAMESPACE) -> Event:
    """Sign an event as a person would with `ssh-keygen` alone."""
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(path)]
    made = subprocess.run(command, input=message(event, store), capture_output=True, check=True)
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return Event(**fields | {"store": store, "signature": sshsig.unarmored(made.stdout.decode())})


def keygen_accepts(
    folder: Path, signers: str, event: Event, principal: str, *, revoked: str = "", at: float | None = None
) -> bool:
    """Ask the real `ssh-keygen -Y verify`, as if it were `at` (whole Unix seconds)."""
    (folder / "allowed").write_text(signers + "\n")
    (folder / "event.sig").write_text(sshsig.armored(event.signature))
    command = ["ssh-keygen", "-Y", "verify", "-n", NAMESPACE, "-I", principal, "-f", str(folder / "allowed")]
    command += ["-s", str(folder / "event.sig")]
    if at is not None:
        command += ["-O", f"verify-time={time.strftime('%Y%m%d%H%M%SZ', time.gmtime(at))}"]
    if revoked:
        (folder / "revoked").write_text(revoked + "\n")
        command += ["-r", str(folder / "revoked")]
    said = subprocess.run(command, input=message(event, event.store), capture_output=True, check=False)
    return said.returncode == 0


@contextmanager
def agent(folder: Path) -> Iterator[dict[str, str]]:
    """Run an ssh-agent; give the environment in which it is found."""
    socket = folder / "agent"
    command = ["ssh-agent", "-D", "-a", str(socket)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()  # it listens once it has said where
            yield {"SSH_AUTH_SOCK": str(socket)}
        finally:
            os.kill(process.pid, signal.SIGTERM)


def held(path: Path, environ: dict[str, str], passphrase: str = "") -> None:
    """Give a key to the agent."""
    ask = path.parent / "ask"
    ask.write_text(f"#!/bin/sh\necho '{passphrase}'\n")
    ask.chmod(0o700)
    asking = environ | {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "PATH": os.environ["PATH"]}
    subprocess.run(
        ["ssh-add", "-q", str(path)], env=asking, check=True, stdin=subprocess.DEVNULL, start_new_session=True
    )


def key(path: Path, environ: dict[str, str] | None = None) -> Key:
    """Return the key at a path."""
    return Key(path=str(path), environ=environ or {})
