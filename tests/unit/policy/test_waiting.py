"""The order of aliases and the time spent in one, also where clocks jump."""

from __future__ import annotations

import math

import pytest

from lineal.model.plan import Outcome
from lineal.policy.facts import Held
from tests.conftest import NOW
from tests.unit.policy.made import HOUR, facts, gate, only, outcome

PASS, FAIL, WAIT, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.WAIT, Outcome.UNKNOWN
DAY = gate("after = 'staging'\nat_least = '24h'")


def ago(since: float | None, until: float | None = None, alias: str = "staging") -> Held:
    """Hold an alias from some hours ago until some hours ago."""
    start = None if since is None else NOW - since * HOUR
    return Held(alias=alias, since=start, until=None if until is None else NOW - until * HOUR)


def test_the_alias_that_comes_first_must_have_been_held() -> None:
    asked = gate("after = 'staging'")
    assert outcome(asked, facts()) == (FAIL, "it never was staging")
    assert outcome(asked, facts(held=(ago(3, alias="dev"),)))[0] is FAIL
    assert outcome(asked, facts(held=(ago(3),))) == (PASS, "for 3 h")
    assert outcome(asked, facts(held=(ago(5, 3),))) == (PASS, "for 2 h")
    assert outcome(asked, facts(held=(ago(None),))) == (PASS, "it is staging")
    assert only(asked, facts()).hint == "lineal promote reg:churn@v8 --to staging"


def test_time_is_waited_for_and_it_is_said_until_when() -> None:
    result = only(DAY, facts(held=(ago(18),)))
    assert (result.outcome, result.reason) == (WAIT, "18 h of 1 d, over on 2026-09-21 20:14 UTC")
    assert outcome(DAY, facts(held=(ago(24),))) == (PASS, "for 1 d")
    assert result.title == "staging first, for 1 d"


def test_times_add_up_and_none_counts_twice() -> None:
    assert outcome(DAY, facts(held=(ago(50, 40), ago(14))))[0] is PASS
    assert outcome(DAY, facts(held=(ago(20, 10), ago(20, 10), ago(15, 5))))[1].startswith("15 h of 1 d")


def test_a_version_that_left_too_early_waits_in_vain() -> None:
    assert outcome(DAY, facts(held=(ago(5, 2),))) == (FAIL, "3 h of 1 d, and it is staging no more")


def test_a_beginning_that_nobody_saw_is_not_known_unless_the_rest_is_enough() -> None:
    assert outcome(DAY, facts(held=(ago(None),)))[0] is UNKNOWN
    assert outcome(DAY, facts(held=(ago(None, 30), ago(25))))[0] is PASS


@pytest.mark.parametrize("now", [NOW - 100 * HOUR, 0.0, -1e300, math.nan, math.inf])
def test_a_clock_that_jumps_gives_no_time_away(now: float) -> None:
    assert outcome(DAY, facts(held=(ago(1),), now=now))[0] in (WAIT, UNKNOWN)


def test_a_span_that_ends_before_it_began_or_after_now_is_cut() -> None:
    assert outcome(DAY, facts(held=(ago(5, 30),)))[0] is FAIL
    assert outcome(DAY, facts(held=(ago(25), ago(5, 30))))[0] is PASS
    assert outcome(DAY, facts(held=(ago(5, -90),)))[1].startswith("5 h of 1 d")
    assert outcome(DAY, facts(held=(Held(alias="staging", since=math.nan),)))[0] is UNKNOWN
    assert outcome(DAY, facts(held=(Held(alias="staging", since=0.0, until=math.inf),)))[0] is UNKNOWN
