"""Malformed and hostile model files: one typed error, nothing executed, and bounded time and memory."""

from __future__ import annotations

import io
import pickle
import random
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lineal.errors import BadFormat
from lineal.formats import gguf, jsons, onnx, pickles, safetensors, tables, tensorboard, torchfile, window, yaml12
from lineal.formats.window import Reader
from tests.sources import checkpoints

SEED = 20260921
ROUNDS = 400  # mutations of each file
SLOWEST = 10.0  # CPU seconds that any one mutation may take, on a machine however slow
MOST = 200 << 20  # bytes that any one may allocate
Parse = Callable[[bytes], Any]

PARSERS: dict[str, Parse] = {
    "safetensors/model.safetensors": lambda data: safetensors.read(window.of_bytes(data)),
    "sharded/model.safetensors.index.json": safetensors.read_index,
    "gguf/tiny-q8_0.gguf": lambda data: gguf.read(window.of_bytes(data)),
    "onnx/inside.onnx": lambda data: onnx.read(window.of_bytes(data)),
    "onnx/outside.onnx": lambda data: onnx.read(window.of_bytes(data)),
    "torch/zip.pt": lambda data: torchfile.read(window.of_bytes(data)),
    "torch/legacy.pt": lambda data: torchfile.read(window.of_bytes(data)),
    "torch/module.pth": lambda data: torchfile.read(window.of_bytes(data)),
    "hf/training_args.bin": lambda data: torchfile.read_arguments(window.of_bytes(data)),
    "hf/trainer_state.json": jsons.load,
    "lightning/lightning_logs/version_0/hparams.yaml": yaml12.load,
    "lightning/lightning_logs/version_0/metrics.csv": tables.metrics,
    "lightning/lightning_logs/version_0/checkpoints/last.ckpt": lambda data: torchfile.read(window.of_bytes(data)),
    "tensorboard/*tfevents*": lambda data: list(tensorboard.scalars(io.BytesIO(data))),
}


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return the data with a few bytes flipped, cut out, doubled or made large, or with its end cut off."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(max(1, len(found)))
        match chance.randrange(6):
            case 0:
                found[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                found[at : at + 8] = b"\xff" * 8
            case 2:
                found[at : at + 8] = struct.pack("<Q", 1 << chance.randrange(64))
            case 3:
                del found[at : at + chance.randrange(1, 64)]
            case 4:
                found[at:at] = found[at : at + chance.randrange(1, 64)]
            case _:
                if chance.random() < 0.2:
                    del found[at:]
    return bytes(found)


def repacked(data: bytes, chance: random.Random) -> bytes:
    """Return a zip with its pickle mutated and its checksums right, so that the pickle is reached."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            member = old.read(name)
            new.writestr(name, mutated(member, chance) if name.endswith("data.pkl") else member)
    return out.getvalue()


@pytest.mark.parametrize("name", PARSERS)
def test_a_mutated_file_is_read_or_refused(
    name: str, oracle: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tree, _ = checkpoints.tools(oracle("training"), tmp_path_factory)
    (path,) = tree.glob(name)
    data, parse, chance = path.read_bytes(), PARSERS[name], random.Random(SEED)
    parse(data)
    slowest = refused = 0.0
    for number in range(ROUNDS):
        broken = repacked(data, chance) if data[:2] == b"PK" and number % 2 else mutated(data, chance)
        start = time.process_time()
        try:
            parse(broken)
        except BadFormat as error:
            refused += bool(error.hint)
        slowest = max(slowest, time.process_time() - start)
    assert refused or name.endswith(".csv")  # any text is a table, if a poor one
    assert slowest < SLOWEST


@pytest.mark.parametrize("name", PARSERS)
def test_a_file_cut_off_anywhere_is_read_or_refused(
    name: str, oracle: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tree, _ = checkpoints.tools(oracle("training"), tmp_path_factory)
    (path,) = tree.glob(name)
    data = path.read_bytes()
    for end in range(0, len(data), max(1, len(data) // 200)):
        with suppress(BadFormat):
            PARSERS[name](data[:end])


@pytest.mark.parametrize("name", PARSERS)
def test_noise_is_refused(name: str) -> None:
    chance = random.Random(SEED)
    for length in (0, 1, 3, 8, 100, 5000):
        with suppress(BadFormat):
            PARSERS[name](chance.randbytes(length))


def _costs(parse: Callable[[], Any]) -> tuple[float, int]:
    """Return CPU seconds and the peak of bytes that reading takes, refused or not."""
    start = time.process_time()
    with suppress(BadFormat):
        parse()
    used = time.process_time() - start
    tracemalloc.start()
    with suppress(BadFormat):
        parse()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used, peak


def _gguf(*rest: bytes, tensors: int = 0, values: int = 1) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, values) + b"".join(rest)


KEY = struct.pack("<Q", 1) + b"k"
LARGE = 1 << 62


def _nested(kind: bytes, depth: int) -> bytes:
    """A pickle of containers within containers."""
    return b"\x80\x04" + kind * depth + b"N" + b"a" * (depth if kind == b"]" else 0) + b"."


def _laughs() -> bytes:
    """A pickle whose tuples each hold the one before twice: two to the 60th leaves if written out."""
    body = b"\x80\x04N\x94"
    for number in range(60):
        body += b"h" + bytes([number]) + b"h" + bytes([number]) + b"\x86\x94"
    return body + b"."


def _keyed() -> bytes:
    """The same as the key of a mapping, whose hash would take for ever."""
    return b"\x80\x04}" + _laughs()[2:-1] + b"Ns."


def _deflated(size: int) -> bytes:
    """A zip whose pickle is a bomb: it says a small size, and inflates to a large one."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\0" * size)
    data = bytearray(out.getvalue())
    directory = data.rfind(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<I", 100)
    return bytes(data)


HOSTILE: dict[str, tuple[Parse, bytes]] = {
    "safetensors: a header of 2^62 bytes": (PARSERS["safetensors/model.safetensors"], struct.pack("<Q", LARGE) + b"{}"),
    "safetensors: deep nesting": (
        PARSERS["safetensors/model.safetensors"],
        struct.pack("<Q", 200_000) + b"[" * 200_000,
    ),
    "gguf: an array of 2^62 numbers": (PARSERS["gguf/tiny-q8_0.gguf"], _gguf(KEY, struct.pack("<IIQ", 9, 4, LARGE))),
    "gguf: an array of texts over a megabyte of zeros": (
        PARSERS["gguf/tiny-q8_0.gguf"],
        _gguf(KEY, struct.pack("<IIQ", 9, 8, 7_000_000), b"\0" * (8 << 20)),
    ),
    "gguf: arrays within arrays": (
        PARSERS["gguf/tiny-q8_0.gguf"],
        _gguf(KEY, struct.pack("<I", 9), struct.pack("<IQ", 9, 1000) * 50_000),
    ),
    "gguf: 2^62 values": (PARSERS["gguf/tiny-q8_0.gguf"], _gguf(values=LARGE)),
    "gguf: 2^62 tensors": (PARSERS["gguf/tiny-q8_0.gguf"], _gguf(values=0, tensors=LARGE)),
    "gguf: a text of 2^62 bytes": (PARSERS["gguf/tiny-q8_0.gguf"], _gguf(struct.pack("<Q", LARGE))),
    "gguf: a text longer than the file": (PARSERS["gguf/tiny-q8_0.gguf"], _gguf(struct.pack("<Q", 1 << 15))),
    "onnx: a field of 2^62 bytes": (PARSERS["onnx/inside.onnx"], b"\x08\x01\x3a" + b"\xff" * 8 + b"\x3f"),
    "onnx: a million empty tensors": (
        PARSERS["onnx/inside.onnx"],
        b"\x08\x01\x3a\x80\x89\x7a" + b"\x2a\x00" * 1_000_000,
    ),
    "onnx: a number without an end": (PARSERS["onnx/inside.onnx"], b"\xff" * 1000),
    "pickle: a text of 2^62 bytes": (PARSERS["torch/zip.pt"], b"\x80\x04\x8d" + struct.pack("<Q", LARGE) + b"x."),
    "pickle: deep lists": (PARSERS["torch/legacy.pt"], _nested(b"]", 200_000)),
    "pickle: many marks": (PARSERS["torch/legacy.pt"], b"\x80\x04" + b"(" * 300_000 + b"."),
    "pickle: three million opcodes": (PARSERS["torch/legacy.pt"], b"\x80\x04N" + b"20" * 1_500_000 + b"."),
    "pickle: shared tuples": (PARSERS["torch/legacy.pt"], _laughs()),
    "pickle: shared tuples as a key": (PARSERS["torch/legacy.pt"], _keyed()),
    "pickle: a mapping in itself": (PARSERS["torch/legacy.pt"], b"\x80\x04}\x94X\x0a\x00\x00\x00state_dicth\x00s."),
    "pickle: a list in itself": (PARSERS["torch/legacy.pt"], b"\x80\x04]\x94h\x00a."),
    "pickle: a number of many digits": (PARSERS["torch/legacy.pt"], b"\x80\x02I" + b"9" * 60_000 + b"\n."),
    "pickle: an odd escape": (PARSERS["torch/legacy.pt"], b"\x80\x02S'\\q'\n."),
    "zip: a bomb": (PARSERS["torch/zip.pt"], _deflated(300 << 20)),
    "zip: 65,535 entries in no directory": (
        PARSERS["torch/zip.pt"],
        b"PK\x03\x04" + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65534, 65534, 1 << 31, 0, 0),
    ),
    "json: deep nesting": (jsons.load, b"[" * 1_000_000),
    "json: a number of many digits": (jsons.load, b"9" * 100_000),
    "yaml: deep nesting": (yaml12.load, b"[" * 1_000_000),
    "yaml: deep blocks": (yaml12.load, "".join(f"{' ' * n}a:\n" for n in range(3000)).encode()),
    "csv: a million columns": (tables.metrics, b"a," * 1_000_000 + b"\n"),
    "csv: a million cells a row": (tables.metrics, b"step,a\n" + b"1," * 5_000_000 + b"\n"),
    "csv: a field without an end": (tables.metrics, b'step,a\n1,"' + b"x" * 1_000_000 + b"\n"),
    "events: a record of 2^62 bytes": (PARSERS["tensorboard/*tfevents*"], struct.pack("<Q", LARGE) + b"\0" * 100),
    "events: a million empty records": (PARSERS["tensorboard/*tfevents*"], b"\0" * 16_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_costs_little(name: str) -> None:
    parse, data = HOSTILE[name]
    used, peak = _costs(lambda: parse(data))
    assert used < SLOWEST
    assert peak < MOST


def test_a_pickle_that_shares_and_loops_is_still_walked_within_bounds() -> None:
    value = pickles.load(Reader(window.of_bytes(_laughs())))
    start = time.process_time()
    assert pickles.plain(value) is not None
    looped = pickles.load(Reader(window.of_bytes(b"\x80\x04]\x94h\x00a.")))
    assert pickles.plain(looped) is not None
    assert time.process_time() - start < 5


AUDIT = """
import sys
from pathlib import Path
from lineal.formats import pickles, tensors, torchfile, window, zips, safetensors, gguf, onnx
from lineal.errors import BadFormat
import encodings.raw_unicode_escape, encodings.ascii, encodings.latin_1, zlib

data = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
seen = []
watching = False
def hook(event, args):
    if watching and event not in {"object.__getattr__", "builtins.id"}:
        seen.append((event, repr(args)[:200]))
sys.addaudithook(hook)
watching = True
for hostile in data:
    for read in (torchfile.read, torchfile.read_arguments):
        try:
            read(window.of_bytes(hostile))
        except BadFormat:
            pass
    try:
        pickles.plain(pickles.load(window.Reader(window.of_bytes(hostile))))
    except BadFormat:
        pass
watching = False
for event in seen:
    print(event)
assert not Path(sys.argv[2]).exists(), "executed"
"""


class _Call:
    """Pickles to a call of whatever it is given."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call


def _hostile_pickles(target: Path) -> list[bytes]:
    import builtins
    import os

    touch = f"open({str(target)!r}, 'w').close()"
    calls = [
        _Call(os.system, (f"touch {target}",)),
        _Call(builtins.eval, (touch,)),
        _Call(builtins.exec, (touch,)),
        _Call(builtins.open, (str(target), "w")),
        _Call(subprocess.check_output, (["touch", str(target)],)),
        _Call(__import__, ("antigravity",)),
        _Call(os.mkdir, (str(target),)),
    ]
    found = [pickle.dumps(value, protocol) for value in calls for protocol in (0, 2, 4, 5)]
    found += [pickle.dumps({"state_dict": {"w": value}, "hyper_parameters": value}, 2) for value in calls]
    found += [
        b"cos\nsystem\n(S'touch %s'\ntR." % bytes(target),
        b"(S'touch %s'\nios\nsystem\n." % bytes(target),
        b"\x80\x02cos\nsystem\n(S'x'\nt\x81}b.",
        b"\x80\x04(cos\nsystem\nS'touch %s'\no." % bytes(target),
        b"\x80\x02\x82\x01.",
        b"\x80\x02Pos.system\n.",
    ]
    return found


def test_hostile_pickles_import_call_and_open_nothing(tmp_path: Path) -> None:
    target, folder = tmp_path / "pwned", tmp_path / "pickles"
    folder.mkdir()
    for number, data in enumerate(_hostile_pickles(target)):
        (folder / f"{number:03}.pkl").write_bytes(data)
        with zipfile.ZipFile(folder / f"{number:03}.pt", "w") as archive:
            archive.writestr("archive/data.pkl", data)
    done = subprocess.run(
        [sys.executable, "-c", AUDIT, folder, target], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_a_pickle_tells_what_it_would_have_called() -> None:
    value = pickles.load(Reader(window.of_bytes(pickle.dumps(_Call(zlib.crc32, (b"x",)), 2))))
    assert isinstance(value, pickles.Node)
    assert value.name == "zlib.crc32"
