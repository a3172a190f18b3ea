"""Every filter that cannot be read is pointed at, at the right word, with a hint; what the guide shows is read."""

from __future__ import annotations

import pytest

from lineal.errors import QueryError
from lineal.index import open_index
from lineal.index import query as language
from lineal.index.fields import Field, Pattern
from lineal.index.parsing import LONGEST, parse
from lineal.index.query import All, Between, Compare, Either, Has, Not, Op, Query, Word, term
from lineal.model.listing import Sort

WRONG = [  # filter, the word that is wrong, a part of the message, a part of the hint
    ("modle:churn", "modle", "no field is called 'modle'", "did you mean model?"),
    ("a accuracy>0.9", "accuracy", "no field", "metric.accuracy or param.accuracy"),
    ("metrics.acc>0.9", "metrics", "with a name behind it", "did you mean metric.?"),
    ("metric>0.9", "metric", "which metric?", "metric.NAME>VALUE"),
    ("metric.acc>good", "good", "'good' is no number", "0.9, 1e-3"),
    ("x metric.acc:1k", "1k", "is no number", "0.9"),
    ("metric.acc=<0.9", "=<", "=< is no operator", "<="),
    ("param.lr>", ">", "the value is missing", '""'),
    ("param.lr:a..b", "a..b", "'a' is no number", "0.8..0.9"),
    ("created:..", "..", "a range wants an end", "0.8.."),
    ("created:soon", "soon", "'soon' is no date", "2026-01-31"),
    ("created:2026-02-30", "2026-02-30", "is no date", "today"),
    ("created:7d", "7d", "an age wants < or >", "created:<7d for the last 7d"),
    ("number:x", "x", "'x' is no number", "0.9"),
    ("env.torch>=new", "new", "'new' is no version number", "env.torch>=2.1"),
    ("env.torch:2..x", "2..x", "'x' is no version number", "2.1..2.4"),
    ("model>a", "a", "model is a text: it has no >", "model:VALUE"),
    ("kind:model", "model", "no kind is called 'model'", "registered"),
    ("state:done", "done", "no state is called 'done'", "ready"),
    ("id:a?c", "a?c", "an id takes no wildcards", "from the start anyway"),
    ("tag>x", "tag>x", "a tag is there or not", "tag:KEY=VALUE"),
    ("tag>x=y", "tag>x", "compares twice", "tag:KEY!=VALUE"),
    ("has:", "has:", "wants a field", "has:alias"),
    ("has:colour", "colour", "no field", "metric.colour"),
    ("churn AND fraud", "AND", "AND is no operator here", "joined by and already"),
    ("churn OR fraud", "OR", "OR is no operator", "write | for or"),
    ("NOT fraud", "NOT", "NOT is no operator", "write - for not"),
    ("a*b", "a*b", "a word takes no wildcards", "version:*x*"),
    ("...", "...", "no letter or digit", "letters and digits"),
    ('"abc', '"abc', "this quote is never closed", 'add a "'),
    ("(a | b", "(", "this ( is never closed", "add a )"),
    ("a)", ")", "this closes nothing", "remove it"),
    ("a | ", "|", "nothing stands after this |", "term"),
    ("| a", "|", "nothing stands before this |", "each side"),
    ("a ()", "()", "nothing stands in these parentheses", "write a term"),
    ("a - b", "-", "nothing stands after this -", "without a space"),
    ("model:a(b)", "(", "a term ends before this", "in quotes"),
    ("model:" + "*a" * 20, "*a" * 20, "too many wildcards", "at most 16"),
]


@pytest.mark.parametrize(("text", "word", "message", "hint"), WRONG, ids=[row[0][:20] for row in WRONG])
def test_an_error_points_at_the_word_that_is_wrong_and_says_what_to_write(
    text: str, word: str, message: str, hint: str
) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    error = caught.value
    assert text[error.start : error.end].strip() == word
    assert message in error.message
    assert hint in error.hint
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a" * (LONGEST + 1), "too long"),
        ("(" * 40 + "a" + ")" * 40, "nested too deeply"),
        ("-" * 40 + "a", "nested too deeply"),
        ("a " * 201, "too many terms"),
    ],
)
def test_what_a_filter_may_cost_is_bounded(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message) as caught:
        parse(text)
    assert caught.value.hint.startswith("at most")


def _is(field: Field, text: str, op: Op = Op.EQUAL, key: str = "") -> Compare:
    return Compare(field, op, Pattern(text), Pattern(key) if key else None)


READ: list[tuple[str, Query]] = [  # as the guide has them
    ("", All()),
    ("model:churn", _is(Field.MODEL, "churn")),
    ("model=churn", _is(Field.MODEL, "churn")),
    ("metric.acc>=0.9", _is(Field.METRIC, "0.9", Op.AT_LEAST, "acc")),
    ("metric.acc:>=0.9", _is(Field.METRIC, "0.9", Op.AT_LEAST, "acc")),
    ("created:<7d", _is(Field.CREATED, "7d", Op.BELOW)),
    ("created<7d", _is(Field.CREATED, "7d", Op.BELOW)),
    ("metric.acc:0.8..0.9", Between(Field.METRIC, "0.8", "0.9", Pattern("acc"))),
    ("metric.acc:..0.9", Between(Field.METRIC, "", "0.9", Pattern("acc"))),
    ("created:2026-01..2026-03", Between(Field.CREATED, "2026-01", "2026-03")),
    ("churn", Word("churn")),
    ('"learning rate"', Word("learning rate", whole=True)),
    ("tag:debug", Has(Field.TAG, Pattern("debug"))),
    ("tag:stage=prod", _is(Field.TAG, "prod", key="stage")),
    ("tag:stage!=prod", _is(Field.TAG, "prod", Op.NOT_EQUAL, "stage")),
    ("tag.stage:prod", _is(Field.TAG, "prod", key="stage")),
    ("has:env.torch", Has(Field.ENV, Pattern("torch"))),
    ("-tag:debug", Not(Has(Field.TAG, Pattern("debug")))),
    ("a b | c", Either((All((Word("a"), Word("b"))), Word("c")))),
    ("a (b | -c)", All((Word("a"), Either((Word("b"), Not(Word("c"))))))),
    ("by:mira", _is(Field.AUTHOR, "mira")),
    ("commit:9f2c", _is(Field.CODE, "9f2c")),
    ("path:*.pt", _is(Field.FILE, "*.pt")),
    ("name:v7", _is(Field.NAME, "v7")),
    ('model:"a (b)"', Compare(Field.MODEL, Op.EQUAL, Pattern("a (b)", literal=True))),
    ('param."a b":1', Compare(Field.PARAM, Op.EQUAL, Pattern("1"), Pattern("a b", literal=True))),
    ('"AND"', Word("AND", whole=True)),
]


@pytest.mark.parametrize(("text", "meant"), READ, ids=[row[0] or "(empty)" for row in READ])
def test_what_the_guide_shows_is_read_so(text: str, meant: Query) -> None:
    assert parse(text) == meant
    assert parse(language.format(meant)) == meant


def test_a_term_made_of_what_is_under_the_cursor_matches_exactly_that() -> None:
    odd = 'a "b" * \\ ..'
    assert parse(language.format(term(Field.MODEL, odd))) == Compare(Field.MODEL, Op.EQUAL, Pattern(odd, literal=True))
    assert parse(language.format(term(Field.PARAM, "1", "l r"))) == term(Field.PARAM, "1", "l r")


@pytest.mark.parametrize(
    ("field", "hint"), [("metrik.acc", "metric."), ("metric", "as in"), ("creatd", "created"), ("alias", "sort by")]
)
def test_an_order_that_is_none_is_pointed_at(field: str, hint: str, tmp_path: object) -> None:
    index = open_index(f"{tmp_path}/index.db")
    with pytest.raises(QueryError) as caught:
        index.rows("", Sort(field))
    assert caught.value.query[caught.value.start : caught.value.end] == field
    assert hint in caught.value.hint
    index.close()


def test_an_error_of_a_list_says_in_which_filter_it_is(tmp_path: object) -> None:
    index = open_index(f"{tmp_path}/index.db")
    with pytest.raises(QueryError) as caught:
        index.rows("churn modle:x")
    assert caught.value.query == "churn modle:x"
    index.close()
