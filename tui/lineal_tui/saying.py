"""The base of every message: a dataclass without the code that `dataclasses` writes for each class at every start."""

from __future__ import annotations

from inspect import get_annotations
from typing import Any, ClassVar, Protocol, dataclass_transform

from textual.message import Message


class Asker(Protocol):
    """Whoever waits for an answer: a screen, or text mode. Any thread may tell it."""

    def post_message(self, message: Message) -> bool:
        """Take the answer; return whether anybody still listens."""
        ...


@dataclass_transform(eq_default=False)
class Said(Message):
    """A message whose fields are its annotations, in their order and with their defaults.

    `dataclasses` compiles an `__init__` for each class, which took one part in forty of the time to the first paint.
    """

    _fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        """Note the fields of a class of messages."""
        super().__init_subclass__(**options)
        cls._fields = (*cls._fields, *get_annotations(cls))

    def __init__(self, *values: object, **named: object) -> None:
        """Make a message of its fields' values. Raises TypeError where one is missing, unknown or given twice."""
        given = dict(zip(self._fields, values, strict=False)) | named
        wanting = [name for name in self._fields if name not in given and not hasattr(type(self), name)]
        if wanting or len(given) < len(values) + len(named) or not given.keys() <= set(self._fields):
            raise TypeError(f"{type(self).__name__} takes {', '.join(self._fields) or 'nothing'}")
        for name, value in given.items():
            setattr(self, name, value)
        super().__init__()
