"""YAML is read as DVC reads it, and within bounds."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lineal.errors import BadFormat
from lineal.formats import yaml12

SCRIPT = Path(__file__).parents[1] / "oracles" / "scripts" / "yaml12_ruamel.py"
SCALARS = (
    *("1e-4", "1E5", "-1e+3", "1.", ".5", "-.5", "+.5", "1.5e3", "1e", "1.e3", ".", ".e1", "0.1", "00.1", "1_000.5"),
    *("yes", "no", "on", "off", "y", "n", "True", "TRUE", "true", "tRue", "False", "null", "Null", "~", "nil"),
    *("010", "0o17", "0o8", "0x1F", "0xg", "0b101", "-0x1f", "+12", "-0", "1_000", "_1", "1__0", "0_", "12:30"),
    *("12:30:45", "190:20:30", ".inf", "-.INF", "+.inf", ".nan", ".NaN", "inf", "nan", "2024", "1.2.3", "v1", "1-2"),
    *("=", "1e400", "-1.0e-05", "0x", "0o", "9999999999999999999999", "'1'", '"1e3"', "'yes'"),
)
DOCUMENTS = (
    "a: {b: 1, c: [1, 2, {d: e}]}",
    "base: &b {x: 1, y: 2}\nk: {<<: *b, y: 3}",
    "one: &a {x: 1}\ntwo: &c {x: 2, z: 1}\nk: {<<: [*a, *c]}",
    "a: |\n  text\n  more\nb: >\n  folded\n  text",
    "? key\n: value",
    "a: !!str 5\nb: !!int '7'\nc: !!float '1e3'",
    "",
    "# nothing",
    "- 1\n- two\n-",
    "1: one\n2.5: two\ntrue: three",
)


def plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return [type(value).__name__, repr(value)]


def test_documents_read_as_dvc_reads_them(oracle: Callable[[str], Path]) -> None:
    texts = [f"key: {scalar}" for scalar in SCALARS] + list(DOCUMENTS)
    done = subprocess.run([oracle("dvc"), SCRIPT], input=json.dumps(texts), capture_output=True, text=True, check=True)
    theirs = dict(zip(texts, json.loads(done.stdout), strict=True))
    ours = {text: plain(yaml12.load(text) or {}) for text, read in theirs.items() if read != "error"}
    different = {text: (ours[text], theirs[text]) for text in ours if ours[text] != theirs[text]}
    assert not different
    assert len(ours) > len(texts) - 8


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system [id]",
        "!mine x",
        "a: 1\na: 2",
        "a: [",
        "[" * 200,
        "a: *nothing",
        "a: &a [*a]",
        "--- 1\n--- 2",
        "a: \x00",
        "{[1]: 2}",
        "<<: 5",
        "\ud800",
        b"\xff\xfe\x00",
        b"\x80",
    ],
)
def test_what_is_no_plain_data_is_refused_with_a_hint(text: str | bytes) -> None:
    with pytest.raises(BadFormat) as caught:
        yaml12.load(text)
    assert caught.value.hint


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    start = time.process_time()
    with pytest.raises(BadFormat, match="aliases"):
        yaml12.load("\n".join(lines))
    assert time.process_time() - start < 1


def test_a_long_document_is_refused_unread() -> None:
    with pytest.raises(BadFormat):
        yaml12.load("a" * 101, limit=100)


def test_foreign_tags_may_be_dropped_and_leave_plain_data() -> None:
    text = "a: !!python/tuple [1, 2]\nb: !!python/object:os.x {c: !mine 1e-3}"
    assert yaml12.load(text, tags=yaml12.Tags.DROP) == {"a": [1, 2], "b": {"c": "1e-3"}}


def test_versions_keep_their_zeros() -> None:
    assert yaml12.load_texts("python: 3.10\nflag: yes") == {"python": "3.10", "flag": "yes"}
