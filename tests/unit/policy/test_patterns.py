"""Patterns of names: Python's own matcher is the oracle, and nothing takes long."""

from __future__ import annotations

import re
import time
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lineal.errors import ConfigError
from lineal.policy.patterns import LONGEST, Pattern, compiled

ATOMS = (
    *(
        "a",
        "b",
        "é",
        "-",
        "1",
        ".",
        "\\.",
        "\\d",
        "\\D",
        "\\w",
        "\\W",
        "\\s",
        "[a-b]",
        "[^a]",
        "[\\w-]",
        "[]a]",
        "[^\\d]",
    ),
    *("(", "(?:", ")", "|", "*", "+", "?", "*?", "{2}", "{1,2}", "{0}", "{,2}", "{2,}", "^", "$", "\\t"),
)


def theirs(text: str) -> re.Pattern[str] | None:
    """Compile a pattern by Python, or return None where it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.compile(text, re.ASCII)
        except re.error:
            return None


@given(
    st.lists(st.sampled_from(ATOMS), max_size=9).map("".join), st.lists(st.text("ab1é-. \t\n", max_size=6), max_size=8)
)
@example("(a|ab)(c|bcd)*", ["abcd", "a", "abbcd"])
@example("(a*)*b|(?:){3}a{0}", ["aab", "", "a"])
def test_a_pattern_stands_for_what_python_says(text: str, names: list[str]) -> None:
    try:
        ours = Pattern(text)
    except ConfigError:
        return
    oracle = theirs(text)
    assert oracle is not None, "what Python refuses is refused"
    assert [ours.matches(name) for name in names] == [oracle.fullmatch(name) is not None for name in names]


@pytest.mark.parametrize(
    "text",
    [
        "v\\d+|\\d+\\.\\d+\\.\\d+",
        "[a-z][a-z0-9-]*",
        "staging|prod|archived",
        "(?:release|rc)-[0-9]{1,3}",
        "^x.+y$",
        ".*",
        "",
    ],
)
def test_what_people_write_is_understood(text: str) -> None:
    assert Pattern(text).text == text
    for name in ("v12", "1.2.3", "churn-2", "prod", "rc-12", "x-y", "", "V1", "v1\n"):
        assert Pattern(text).matches(name) == bool(re.fullmatch(text, name, re.ASCII))


@pytest.mark.parametrize(
    "text", ["(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)*x", "([a-z]+)*1", "a?" * 100 + "a" * 100, "(a*)*" * 20]
)
def test_what_drives_a_backtracking_matcher_mad_is_answered_at_once(text: str) -> None:
    began = time.process_time()
    assert not Pattern(text).matches("a" * (LONGEST - 1) + "!")
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(a", "not closed"),
        ("[a", "not closed"),
        ("a)", "a `)` too many"),
        ("*a", "nothing before it"),
        ("a**", "repeats a repeat"),
        ("a++", "possessively"),
        ("(?i)a", "only `(?:`"),
        ("(?=a)", "only `(?:`"),
        ("(a)\\1", "not supported"),
        ("\\bword", "not supported"),
        ("a\\", "not supported"),
        ("[z-a]", "range"),
        ("[\\d-a]", "range"),
        ("a{3,1}", "smaller"),
        ("a{9999}", "at most"),
        ("((((a{99}){99}){99}){99})", "stands for too much"),
        ("(" * 99 + ")" * 99, "groups within groups"),
        ("a" * 513, "longer"),
        ("a(^b)", "nothing before it"),
    ],
)
def test_what_cannot_be_matched_safely_is_refused_with_the_place(text: str, words: str) -> None:
    began = time.process_time()
    with pytest.raises(ConfigError, match=re.escape(words)) as caught:
        compiled(text)
    assert time.process_time() - began < 2.0
    assert "what is there" in caught.value.hint


def test_a_text_that_is_longer_than_any_name_matches_nothing() -> None:
    assert Pattern(".*").matches("a" * LONGEST)
    assert not Pattern(".*").matches("a" * (LONGEST + 1))
