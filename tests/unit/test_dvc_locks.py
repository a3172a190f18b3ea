"""Reading lock files stage by stage says what reading them as a whole says."""

from __future__ import annotations

from random import Random

import pytest

from lineal.errors import BadFormat
from lineal.formats import yaml12
from lineal.registries.dvc.locks import Locks
from lineal.registries.dvc.outs import Out, locked
from tests.sources.dvc import dvc_lock, out

STAGES = {
    f"train@{number}": {
        "cmd": ["python a.py\n  --x", "echo 'a: b'"] if number % 2 else "python train.py --name 'x' " + "long " * 30,
        "deps": [out("data/rows.csv", b"1"), {"path": "s3://bucket/x", "etag": "y"}],
        "params": {"params.yaml": {"lr": 0.1, "text": "two\nlines\n  and more\n", "no": None}},
        "outs": [out(f"models/{number}.pt", b"%d" % number), out("models/d", b"x", nfiles=2, desc="# no: comment")],
    }
    for number in range(5)
}
WHOLE = dvc_lock(**STAGES)
INSERTS = (
    "  x:\n",
    "x: 1\n",
    "...\n",
    "---\n",
    "  - a\n",
    "\n",
    "  # c: d\n",
    "  'q': {outs: []}\n",
    " y: 1\n",
    "\t\n",
    "  a: &b 1\n",
)
INSIDE = ("\r  z: 1", "\u2028  z: 1", "\x85  z:", "'", '"', "*b", "&b ", "!!int ", "{", "[", ": ", "|\n")


def _read(text: str) -> list[Out] | str:
    try:
        return locked("sub/dvc.lock", text.encode())
    except BadFormat as error:
        return error.message


def _read_in_pieces(locks: Locks, text: str) -> list[Out] | str:
    try:
        return locks.read("sub/dvc.lock", text.encode())
    except BadFormat as error:
        return error.message


def _mutated(random: Random) -> str:
    lines = WHOLE.splitlines(keepends=True)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(lines))
        match random.randrange(6):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, random.choice(INSERTS))
            case 2:
                lines[at] = lines[at][random.randrange(4) :]
            case 3:
                lines[at] = " " * random.randrange(4) + lines[at]
            case 4:
                lines.insert(at, random.choice(lines))
            case _:
                cut = random.randrange(len(lines[at]))
                lines[at] = lines[at][:cut] + random.choice(INSIDE) + lines[at][cut:]
    return "".join(lines)


@pytest.mark.parametrize("seed", range(4))
def test_random_files_read_the_same_in_pieces(seed: int) -> None:
    """Whole or damaged: the same outs, or the same error."""
    random, locks = Random(seed), Locks()
    good = 0
    for _ in range(150):
        text = _mutated(random)
        said = _read(text)
        assert _read_in_pieces(locks, text) == said, text
        good += isinstance(said, list)
    assert good > 20


def test_a_stage_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second file that shares all stages but one costs the parsing of that one."""
    parsed: list[bytes] = []
    load = yaml12.load

    def counted(data: bytes | str) -> object:
        parsed.append(bytes(data) if isinstance(data, bytes) else data.encode())
        return load(data)

    locks = Locks()
    locks.read("dvc.lock", WHOLE.encode())
    monkeypatch.setattr("lineal.formats.yaml12.load", counted)
    changed = dvc_lock(**STAGES, added={"cmd": "x", "outs": [out("models/new.pt", b"new")]})
    assert "models/new.pt" in {one.path for one in locks.read("dvc.lock", changed.encode())}
    assert len(parsed) == 1
    assert parsed[0].startswith(b"  added:")
