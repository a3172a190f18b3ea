"""An inert reader of pickles: it tells what a pickle would build, and imports, calls and opens nothing.

Opcodes come from the standard library's `pickletools.genops`, which only decodes. A small machine follows them; where
pickle would import a class or call a function, it leaves a `Global` or a `Node` that says so. Values may share parts
and hold themselves: who walks them needs bounds of their own, and `plain` is such a walk.

Source: https://github.com/python/cpython/blob/main/Lib/pickletools.py (all opcodes of protocols 0 to 5).
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import IO, Any, cast

import msgspec

from lineal.errors import BadFormat
from lineal.formats.window import Reader

MAX_OPS = 2_000_000
MAX_DEPTH = 32
MAX_PLAIN = 100_000
MAX_KEY_BITS = 4096  # of a number as a key: Python does not write out much longer ones
_HINT = "the file is damaged or no pickle; save it again with the tool that wrote it"
_MARK = object()


class Global(msgspec.Struct, frozen=True):
    """A class or function by its name, `module.qualname`. It was not imported."""

    name: str


class Node:
    """What a call or an object would be: what is called, with what, its state, and the items put into it.

    `made` is a Global for real pickles, and may be anything in hostile ones.
    """

    __slots__ = ("args", "items", "keywords", "made", "state", "values")

    def __init__(self, made: Any, args: Any = (), keywords: Any = None) -> None:
        self.made, self.args, self.keywords = made, args, keywords
        self.state: Any = None
        self.items: dict[Any, Any] = {}  # set by key
        self.values: list[Any] = []  # appended or added

    @property
    def name(self) -> str:
        """The name of what is called, or ""."""
        return self.made.name if isinstance(self.made, Global) else ""


class Persistent(msgspec.Struct, frozen=True):
    """A reference to something outside the pickle, such as the bytes of a tensor."""

    key: Any


def load(
    stream: Reader,
    *,
    max_ops: int = MAX_OPS,
    references: list[Persistent] | None = None,
    imports: set[str] | None = None,
) -> Any:
    """Read one pickle from where `stream` stands, and leave it behind the pickle's end.

    Args:
        stream: where from.
        max_ops: how many opcodes it may take.
        references: takes every reference to something outside, wherever in the value it ends up.
        imports: takes the name of everything that loading it would import, whether it ends up in the value or not.

    Raises:
        BadFormat: it is no pickle, is cut off, or takes more than `max_ops` opcodes.
    """
    machine = _Machine(references, imports)
    left = max_ops
    try:
        for opcode, arg, _ in pickletools.genops(cast(IO[bytes], stream)):
            if opcode.name == "STOP":
                return machine.pop()
            left -= 1
            if left < 0:
                raise BadFormat(f"a pickle of more than {max_ops:,} opcodes", hint="a pickle this long is not read")
            machine.step(opcode.name, arg)
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, OverflowError, DeprecationWarning) as error:
        # the last one: an odd escape in a text, where warnings are errors
        raise BadFormat(f"unreadable pickle: {str(error)[:120]}", hint=_HINT) from error
    raise BadFormat("a pickle without an end", hint=_HINT)


def plain(value: Any, *, max_depth: int = MAX_DEPTH, max_values: int = MAX_PLAIN) -> Any:
    """Return a value as plain data: scalars, lists and dicts with text keys. Anything deeper or later becomes None.

    Objects become their state's mapping or their items; enum members and the like, called with one plain value, become
    that value; tensors, functions and other objects become the name of their class in `<...>`.
    """
    return _Plain(max_values).of(value, max_depth)


class _Machine:
    """The stack and the memo of the pickle machine."""

    def __init__(self, references: list[Persistent] | None = None, imports: set[str] | None = None) -> None:
        self.references = references
        self.imports = imports
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, arg: Any) -> None:
        if name in _IGNORED:
            return
        if name in _PUSHED:
            self.stack.append(arg)
        elif name in _FRESH:
            self.stack.append(_FRESH[name]())
        elif name in _TUPLES:
            self.tuple(_TUPLES[name])
        elif name in _STEPS:
            _STEPS[name](self, arg)
        else:
            raise BadFormat(f"a pickle with the opcode {name}", hint=_HINT)

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise ValueError("a mark where a value should be")
        return value

    def pops(self, count: int) -> list[Any]:
        values = [self.pop() for _ in range(count)]
        return values[::-1]

    def top(self) -> Any:
        if self.stack[-1] is _MARK:
            raise ValueError("a mark where a value should be")
        return self.stack[-1]

    def marked(self) -> list[Any]:
        """Take everything above the last mark, and the mark."""
        values: list[Any] = []
        while (value := self.stack.pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def tuple(self, count: int) -> None:
        self.stack.append(tuple(self.pops(count)))

    def fill(self, pairs: list[Any]) -> None:
        target = self.top()
        items = target.items if isinstance(target, Node) else target
        if not isinstance(items, dict) or len(pairs) % 2:
            raise ValueError("items for something that is no mapping")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            items[_key(key)] = value

    def extend(self, values: list[Any]) -> None:
        target = self.top()
        items = target.values if isinstance(target, Node) else target
        if not isinstance(items, list):
            raise ValueError("values for something that is no list")
        items += values

    def named(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a class without a name")
        self.stack.append(self.imported(f"{module}.{name}"))

    def imported(self, name: str) -> Global:
        if self.imports is not None:
            self.imports.add(name[:500])
        return Global(name)

    def call(self, made: Any, args: Any, keywords: Any = None) -> None:
        self.stack.append(Node(made, args if isinstance(args, tuple) else (), keywords))

    def build(self) -> None:
        state, target = self.pop(), self.top()
        if isinstance(target, Node):
            target.state = state

    def remember(self, slot: int) -> None:
        self.memo[slot] = self.top()

    def refer(self, key: Any) -> None:
        reference = Persistent(key)
        self.stack.append(reference)
        if self.references is not None:
            self.references.append(reference)

    def made_from_mark(self, arg: Any) -> None:
        """INST names its class in text; OBJ has it below its arguments."""
        values = self.marked()
        if arg is not None:
            values.insert(0, self.imported(str(arg).replace(" ", ".", 1)))
        self.call(values[0], tuple(values[1:]))


def _key(key: Any) -> Any:
    """Return a key that is cheap to hash and to write out: the hash of nested tuples takes exponential time."""
    if isinstance(key, int) and key.bit_length() > MAX_KEY_BITS:
        return Persistent("<a long number>")
    if key is None or isinstance(key, str | int | float | bytes | Global):
        return key
    if isinstance(key, tuple) and all(item is None or isinstance(item, str | int | float) for item in key):
        return key
    return Persistent(f"<{type(key).__name__} at {id(key)}>")


def _dict_from(pairs: list[Any]) -> dict[Any, Any]:
    return {_key(key): value for key, value in zip(pairs[::2], pairs[1::2], strict=True)}


_IGNORED = frozenset({"PROTO", "FRAME", "READONLY_BUFFER"})
_NUMBERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
_TEXTS = {"STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
_PUSHED = _NUMBERS | _TEXTS | {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
_FRESH: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "MARK": lambda: _MARK,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": lambda: Node(Global("builtins.set")),
    "NEXT_BUFFER": lambda: Persistent("buffer"),
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_STEPS: dict[str, Callable[[_Machine, Any], Any]] = {
    "TUPLE": lambda m, _: m.stack.append(tuple(m.marked())),
    "LIST": lambda m, _: m.stack.append(m.marked()),
    "DICT": lambda m, _: m.stack.append(_dict_from(m.marked())),
    "FROZENSET": lambda m, _: m.stack.append(Node(Global("builtins.frozenset"), (m.marked(),))),
    "APPEND": lambda m, _: m.extend([m.pop()]),
    "APPENDS": lambda m, _: m.extend(m.marked()),
    "ADDITEMS": lambda m, _: m.extend(m.marked()),
    "SETITEM": lambda m, _: m.fill(m.pops(2)),
    "SETITEMS": lambda m, _: m.fill(m.marked()),
    "GLOBAL": lambda m, arg: m.stack.append(m.imported(arg.replace(" ", ".", 1))),
    "STACK_GLOBAL": lambda m, _: m.named(*m.pops(2)),
    "EXT1": lambda m, arg: m.stack.append(m.imported(f"copyreg.extension.{arg}")),
    "EXT2": lambda m, arg: m.stack.append(m.imported(f"copyreg.extension.{arg}")),
    "EXT4": lambda m, arg: m.stack.append(m.imported(f"copyreg.extension.{arg}")),
    "REDUCE": lambda m, _: m.call(*m.pops(2)),
    "NEWOBJ": lambda m, _: m.call(*m.pops(2)),
    "NEWOBJ_EX": lambda m, _: m.call(*m.pops(3)),
    "INST": lambda m, arg: m.made_from_mark(arg),
    "OBJ": lambda m, _: m.made_from_mark(None),
    "BUILD": lambda m, _: m.build(),
    "PERSID": lambda m, arg: m.refer(arg),
    "BINPERSID": lambda m, _: m.refer(m.pop()),
    "PUT": lambda m, arg: m.remember(arg),
    "BINPUT": lambda m, arg: m.remember(arg),
    "LONG_BINPUT": lambda m, arg: m.remember(arg),
    "MEMOIZE": lambda m, _: m.remember(len(m.memo)),
    "GET": lambda m, arg: m.stack.append(m.memo[arg]),
    "BINGET": lambda m, arg: m.stack.append(m.memo[arg]),
    "LONG_BINGET": lambda m, arg: m.stack.append(m.memo[arg]),
    "POP": lambda m, _: m.stack.pop(),
    "POP_MARK": lambda m, _: m.marked(),
    "DUP": lambda m, _: m.stack.append(m.top()),
}


class _Plain:
    """A bounded walk: shared parts are written out again, so the count bounds what they would swell to."""

    def __init__(self, left: int) -> None:
        self.left = left

    def of(self, value: Any, depth: int) -> Any:
        self.left -= 1
        if self.left < 0 or depth <= 0:
            return None
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, list | tuple):
            return self.several(value, depth)
        if isinstance(value, dict):
            return self.mapping(value, depth)
        if isinstance(value, Node):
            return self.node(value, depth)
        return f"<{value.name}>" if isinstance(value, Global) else None

    def several(self, values: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        return [self.of(item, depth - 1) for item in values[: max(self.left, 0)]]

    def mapping(self, items: dict[Any, Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in items.items():
            if self.left <= 0:
                break
            if isinstance(key, str | int | float):
                found[str(key)] = self.of(item, depth - 1)
        return found

    def node(self, node: Node, depth: int) -> Any:
        if node.items:
            return self.mapping(node.items, depth)
        if node.values or node.name in {"builtins.set", "builtins.frozenset"}:
            inner = node.args[0] if node.args and isinstance(node.args[0], list) else []
            return self.several([*node.values, *inner], depth)
        if node.name == "collections.OrderedDict":
            return {}
        if isinstance(node.state, dict) and node.state:
            return self.mapping(node.state, depth)
        if len(node.args) == 1 and isinstance(node.args[0], bool | int | float | str):
            return node.args[0]
        return f"<{node.name}>" if node.name else None
