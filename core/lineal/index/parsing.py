"""Reads the query language (see `query`); every error points at the word that is wrong."""

from __future__ import annotations

import difflib
import re

from lineal.errors import QueryError
from lineal.index.checking import checked
from lineal.index.fields import FIELDS, NAMED, Field, Pattern
from lineal.index.folding import words
from lineal.index.query import EVERYTHING, All, Between, Compare, Either, Has, Leaf, Not, Op, Query, Word

LONGEST = 4_096  # characters
_DEEPEST = 32
_MOST_TERMS = 200
_HEAD = re.compile(r"[A-Za-z_]+")
_OP = re.compile(r":?(>=|<=|!=|>|<)|[:=]")
_OP_AGAIN = re.compile(r"[<>=]+|!=")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE_KEY = re.compile(r"[^\s()|\":=!<>]+")
_BARE = re.compile(r"[^\s()|\"]+")
_BARE_TAG = re.compile(r"[^\s()|\"=]+(?<!!)")
_TAG_OP = re.compile(r"!?=")
_SPACE = re.compile(r"\s*")
_OPS = {op.value: op for op in Op} | {"=": Op.EQUAL}
_JOINTS = {"AND": "words beside each other are joined by and already", "OR": "write | for or", "NOT": "write - for not"}


def parse(text: str) -> Query:
    """Read a query; an empty one matches everything.

    Raises:
        QueryError: it does not parse, with the place of the wrong word.
    """
    if len(text) > LONGEST:
        raise QueryError("the filter is too long", LONGEST, len(text), hint=f"at most {LONGEST:,} characters")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._terms = 0

    # --- structure ---

    def whole(self) -> Query:
        if not self.text.strip():
            return EVERYTHING
        query = self._query(0)
        if not self._ended:  # only a closing parenthesis stops a query early
            raise self._wrong("this closes nothing", self.at, self.at + 1, "remove it, or open it before")
        return query

    @property
    def _ended(self) -> bool:
        return self.at >= len(self.text)

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _query(self, depth: int) -> Query:
        alternatives = [self._alternative(depth)]
        while self._peek() == "|":
            self.at += 1
            alternatives.append(self._alternative(depth))
        return alternatives[0] if len(alternatives) == 1 else Either(tuple(alternatives))

    def _alternative(self, depth: int) -> Query:
        start = self.at
        self._skip()
        parts = []
        while not self._ended and self._peek() not in "|)":
            parts.append(self._unary(depth))
            self._skip()
        if not parts:
            raise self._missing(start)
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _missing(self, start: int) -> QueryError:
        if self._peek() == "|":
            return self._wrong("nothing stands before this |", self.at, self.at + 1, "write a term on each side of it")
        at = max(start - 1, 0)
        if self.text[at : at + 1] == "|":
            return self._wrong("nothing stands after this |", at, max(self.at, at + 1), "write a term there")
        end = min(self.at + 1, len(self.text))
        return self._wrong("nothing stands in these parentheses", at, end, "write a term there")

    def _unary(self, depth: int) -> Query:
        if depth > _DEEPEST:
            raise self._wrong("this is nested too deeply", self.at, self.at + 1, f"at most {_DEEPEST} levels")
        if self._peek() == "-":
            return self._negated(depth)
        if self._peek() == "(":
            return self._group(depth)
        self._terms += 1
        if self._terms > _MOST_TERMS:
            raise self._wrong("there are too many terms", self.at, len(self.text), f"at most {_MOST_TERMS}")
        leaf = self._leaf()
        if self._peek() not in ("", "|", ")") and not self._peek().isspace():
            raise self._wrong("a term ends before this", self.at, self.at + 1, 'put the whole value in quotes: "a (b)"')
        return leaf

    def _negated(self, depth: int) -> Not:
        self.at += 1
        if self._ended or self._peek().isspace() or self._peek() in "|)":
            raise self._wrong("nothing stands after this -", self.at - 1, self.at, "write the term without a space")
        return Not(self._unary(depth + 1))

    def _group(self, depth: int) -> Query:
        start = self.at
        self.at += 1
        query = self._query(depth + 1)
        if self._peek() != ")":
            raise self._wrong("this ( is never closed", start, start + 1, "add a )")
        self.at += 1
        return query

    # --- one term ---

    def _leaf(self) -> Leaf:
        start = self.at
        head = _HEAD.match(self.text, start)
        if head:
            self.at = head.end()
            name = head[0].lower()
            key = self._dotted(name)
            if found := _OP.match(self.text, self.at):
                self.at = found.end()
                op = _OPS[found[1] or found[0]]
                return self._has(start) if name == "has" else self._term(start, head, key, op)
            self.at = start
        return self._word(start)

    def _dotted(self, name: str) -> Pattern | None:
        """Read `.key` where a name may follow; without one, leave the place where it was."""
        if self._peek() != "." or FIELDS.get(name) not in NAMED:
            return None
        self.at += 1
        return self._pattern(_BARE_KEY, "the name")

    def _pattern(self, bare: re.Pattern[str], what: str) -> Pattern:
        if found := _QUOTED.match(self.text, self.at):
            self.at = found.end()
            return Pattern(re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL), literal=True)
        if self._peek() == '"':
            raise self._wrong("this quote is never closed", self.at, len(self.text), 'add a "')
        found = bare.match(self.text, self.at)
        if not found:
            raise self._wrong(f"{what} is missing", max(self.at - 1, 0), self.at, 'write it, or "" for an empty one')
        self.at = found.end()
        return Pattern(found[0])

    def _term(self, start: int, head: re.Match[str], key: Pattern | None, op: Op) -> Leaf:
        field = self._field(head)
        if field is Field.TAG and key is None:
            return self._tag(start, op)
        if field in NAMED and key is None:
            hint = f"as in {field}.NAME{op}VALUE; has:{field} for any"
            raise self._wrong(f"which {field}? its name is missing", head.start(), head.end(), hint)
        value_at = self.at
        value = self._value(value_at)
        return checked(self._leaf_of(field, key, op, value), start, value_at, self.at)

    def _value(self, at: int) -> Pattern:
        if again := _OP_AGAIN.match(self.text, at):
            wrong = f"{self.text[at - 1 : again.end()]} is no operator"
            raise self._wrong(
                wrong, at - 1, again.end(), "one of : = != > >= < <=; put a value that begins so in quotes"
            )
        return self._pattern(_BARE, "the value")

    @staticmethod
    def _leaf_of(field: Field, key: Pattern | None, op: Op, value: Pattern) -> Leaf:
        low, dots, high = value.text.partition("..")
        ranged = field in (Field.METRIC, Field.PARAM, Field.ENV, Field.CREATED, Field.NUMBER)
        if dots and ranged and op is Op.EQUAL and not value.literal:
            return Between(field, low, high, key)
        return Compare(field, op, value, key)

    def _tag(self, start: int, op: Op) -> Leaf:
        key_at = self.at
        key = self._pattern(_BARE_TAG, "the tag")
        compared = _TAG_OP.match(self.text, self.at)
        if compared is None:
            if op is not Op.EQUAL:
                raise self._wrong("a tag is there or not", start, self.at, "write -tag:KEY, or tag:KEY=VALUE")
            return checked(Has(Field.TAG, key), start, key_at, self.at)
        if op is not Op.EQUAL:
            raise self._wrong("this compares twice", start, self.at, "write tag:KEY=VALUE or tag:KEY!=VALUE")
        self.at = value_at = compared.end()
        value = self._value(value_at)
        return checked(Compare(Field.TAG, _OPS[compared[0]], value, key), start, value_at, self.at)

    def _has(self, start: int) -> Leaf:
        head = _HEAD.match(self.text, self.at)
        if not head:
            raise self._wrong("has: wants a field", start, self.at, "as in has:metric.acc or has:alias")
        self.at = head.end()
        key = self._dotted(head[0].lower())
        return checked(Has(self._field(head), key), start, head.start(), self.at)

    def _field(self, head: re.Match[str]) -> Field:
        field = FIELDS.get(head[0].lower())
        if field is not None:
            return field
        close = difflib.get_close_matches(head[0].lower(), FIELDS, n=1, cutoff=0.6)
        hint = f"did you mean {close[0]}?" if close else f"metric.{head[0]} or param.{head[0]}? in quotes it is a word"
        raise self._wrong(f"no field is called {head[0]!r}", head.start(), head.end(), hint)

    def _word(self, start: int) -> Leaf:
        pattern = self._pattern(_BARE, "a word")
        text = pattern.text
        if pattern.literal:
            return checked(Word(text, whole=True), start, start, self.at)
        if text in _JOINTS:
            raise self._wrong(f"{text} is no operator here", start, self.at, f'{_JOINTS[text]}; "{text}" is the word')
        if dotted := _HEAD.match(text):
            self._unknown(text, dotted, start)
        return checked(Word(text), start, start, self.at)

    def _unknown(self, text: str, head: re.Match[str], start: int) -> None:
        """Complain of `foo.bar:1`, which is meant as a term: a word that holds an operator is rarely meant."""
        if re.fullmatch(r"[A-Za-z_]+\.[^\s:=<>!]+(?:[:=<>]|!=).*", text, re.DOTALL):
            end = start + head.end()
            names = [str(field) for field in NAMED]
            close = difflib.get_close_matches(head[0].lower(), names, n=1, cutoff=0.6)
            hint = f"did you mean {close[0]}.?" if close else f"names follow {', '.join(sorted(names))}"
            raise self._wrong(f"no field is called {head[0]!r} with a name behind it", start, end, hint)
        if FIELDS.get(head[0].lower()) in NAMED and text[head.end() :].startswith(".") and not words(text):
            raise self._wrong("a comparison is missing", start, self.at, "as in metric.acc>=0.9")

    def _wrong(self, message: str, start: int, end: int, hint: str) -> QueryError:
        return QueryError(message, start, end, hint=hint)
