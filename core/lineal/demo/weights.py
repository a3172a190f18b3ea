"""Weights as the files people keep: safetensors, GGUF (8 bits), ONNX. Each writer follows the format's own document.

Sources: github.com/huggingface/safetensors (README, "Format"); github.com/ggml-org/ggml (docs/gguf.md; `block_q8_0` in
ggml-common.h); github.com/onnx/onnx (onnx/onnx.proto, field numbers as noted below).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lineal.demo.network import LAYERS, Weights
from lineal.demo.protobuf import bytes_field, text_field, varint_field

_ALIGN = 32  # GGUF's default alignment, bytes
_BLOCK = 32  # weights in one Q8_0 block
_F32, _Q8_0 = 0, 8  # ggml types
_UINT32, _STRING = 4, 8  # GGUF value types
_ONNX_FLOAT = 1
_OPSET = 17
_IR = 8


def safetensors(weights: Mapping[str, npt.NDArray[np.float32]], metadata: Mapping[str, str]) -> bytes:
    """Return a safetensors file: u64 header length, JSON header padded to 8 bytes, raw little-endian tensors."""
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    blobs, at = [], 0
    for name in sorted(weights):
        blob = np.ascontiguousarray(weights[name], "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(weights[name].shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *blobs])


def gguf(weights: Weights, facts: Mapping[str, str | int]) -> bytes:
    """Return a GGUF v3 file: matrices whose rows are a multiple of 32 long in Q8_0, all else in float32."""
    out = [struct.pack("<4sIQQ", b"GGUF", 3, len(weights), len(facts))]
    out += [_gguf_text(key) + _gguf_value(value) for key, value in facts.items()]
    blobs, at = [], 0
    for name in sorted(weights):
        kind, blob = _ggml(weights[name])
        dims = weights[name].shape[::-1]  # GGUF names the fastest dimension first
        out.append(_gguf_text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, at))
        blobs.append(_padded(blob))
        at += len(blobs[-1])
    return _padded(b"".join(out)) + b"".join(blobs)


def _gguf_text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _gguf_value(value: str | int) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _gguf_text(value)
    return struct.pack("<II", _UINT32, value)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGN)


def _ggml(array: npt.NDArray[np.float32]) -> tuple[int, bytes]:
    if array.ndim < 2 or array.shape[-1] % _BLOCK:
        return _F32, np.ascontiguousarray(array, "<f4").tobytes()
    scale, whole = _blocks(array)
    packed = np.empty(len(scale), np.dtype([("d", "<f2"), ("q", "i1", (_BLOCK,))]))
    packed["d"], packed["q"] = scale, whole
    return _Q8_0, packed.tobytes()


def _blocks(array: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.int8]]:
    """Return the scale of each block of 32 weights, and the weights as multiples of it between -127 and 127."""
    blocks = array.reshape(-1, _BLOCK)
    scale = np.abs(blocks).max(axis=1) / np.float32(127)
    steps = blocks * (np.float32(1) / np.where(scale > 0, scale, np.float32(1)))[:, None]
    whole = np.copysign(np.floor(np.abs(steps) + np.float32(0.5)), steps)  # halves away from zero, as ggml rounds
    return scale.astype(np.float16), whole.astype(np.int8)


def rounded(weights: Weights) -> Weights:
    """Return the weights that a reader of the 8-bit file computes with."""
    changed = dict(weights)
    for name, array in weights.items():
        if array.ndim == 2 and array.shape[-1] % _BLOCK == 0:
            scale, whole = _blocks(array)
            changed[name] = (scale.astype(np.float32)[:, None] * whole).reshape(array.shape).astype(np.float32)
    return changed


def onnx(weights: Weights, facts: Mapping[str, str]) -> bytes:
    """Return an ONNX model of the network: Gemm, Relu, ..., Sigmoid. Fields of ModelProto: 1, 2, 3, 7, 8, 14."""
    columns = weights["encoder.0.weight"].shape[1]
    graph = [_node("Gemm" if part == "" else part, *names) for part, names in _steps()]
    body = b"".join(bytes_field(1, node) for node in graph) + text_field(2, "scorer")
    body += b"".join(bytes_field(5, _initializer(name, weights[name])) for name in sorted(weights))
    body += bytes_field(11, _value("features", columns)) + bytes_field(12, _value("score", 1))
    model = varint_field(1, _IR) + text_field(2, "lineal-demo") + text_field(3, "1") + bytes_field(7, body)
    model += bytes_field(8, text_field(1, "") + varint_field(2, _OPSET))
    return model + b"".join(bytes_field(14, text_field(1, key) + text_field(2, facts[key])) for key in sorted(facts))


def _steps() -> list[tuple[str, tuple[str, ...]]]:
    """Return the operators in order: the kind ("" for a Gemm), then the output and the inputs."""
    steps: list[tuple[str, tuple[str, ...]]] = []
    flow = "features"
    for layer in LAYERS:
        steps.append(("", (f"{layer}.out", flow, f"{layer}.weight", f"{layer}.bias")))
        kind, flow = ("Sigmoid", "score") if layer == LAYERS[-1] else ("Relu", f"{layer}.relu")
        steps.append((kind, (flow, f"{layer}.out")))
    return steps


def _node(kind: str, output: str, *inputs: str) -> bytes:
    """NodeProto: input 1, output 2, name 3, op_type 4, attribute 5 (AttributeProto: name 1, i 3, type 20)."""
    out = b"".join(text_field(1, name) for name in inputs) + text_field(2, output)
    out += text_field(3, output) + text_field(4, kind)
    if kind == "Gemm":
        out += bytes_field(5, text_field(1, "transB") + varint_field(3, 1) + varint_field(20, 2))
    return out


def _initializer(name: str, array: npt.NDArray[np.float32]) -> bytes:
    """TensorProto: dims 1, data_type 2, name 8, raw_data 9."""
    dims = b"".join(varint_field(1, size) for size in array.shape)
    raw = np.ascontiguousarray(array, "<f4").tobytes()
    return dims + varint_field(2, _ONNX_FLOAT) + text_field(8, name) + bytes_field(9, raw)


def _value(name: str, columns: int) -> bytes:
    """ValueInfoProto: name 1, type 2; TypeProto: tensor 1 (elem_type 1, shape 2); Dimension: value 1, param 2."""
    shape = bytes_field(1, text_field(2, "batch")) + bytes_field(1, varint_field(1, columns))
    tensor = varint_field(1, _ONNX_FLOAT) + bytes_field(2, shape)
    return text_field(1, name) + bytes_field(2, bytes_field(1, tensor))
