"""Approvals: how many, by whom, not by the author, nobody twice, and what a rejection does."""

from __future__ import annotations

import pytest

from lineal.model.plan import Approval, Outcome
from lineal.policy.evaluate import evaluate
from tests.unit.policy.made import approved, facts, gate, only, outcome

PASS, FAIL, WAIT, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.WAIT, Outcome.UNKNOWN
ONE, TWO = gate("approvals = 1"), gate("approvals = 2")


def said(asked: object, *approvals: Approval, author: str = "jo") -> tuple[Outcome, str]:
    """Judge what people said about a version of Jo's."""
    return outcome(asked, facts(approvals=approvals, author=author))  # type: ignore[arg-type]


def test_a_gate_that_wants_no_approval_is_held_up_by_a_rejection_alone() -> None:
    asked = gate("after = 'dev'")
    assert only(asked, facts(approvals=(approved("mira"),))).id == "after.dev"
    order, rejection = evaluate(asked, facts(approvals=(approved("sven", "rejected"),)))
    assert (order.id, rejection.id, rejection.title) == ("after.dev", "approvals", "nobody rejected it")
    assert rejection.outcome is FAIL
    settled = facts(approvals=(approved("sven", "rejected"), approved("sven")))
    assert only(asked, settled).id == "after.dev"


def test_it_waits_until_there_are_enough() -> None:
    assert said(TWO) == (WAIT, "0 of 2")
    assert said(TWO, approved("mira")) == (WAIT, "1 of 2: mira")
    assert said(TWO, approved("mira"), approved("kim")) == (PASS, "2 of 2: mira, kim")
    assert said(ONE, approved("mira", "requested")) == (WAIT, "0 of 1")
    assert only(TWO, facts()).hint == "lineal approve reg:churn@v8 --for prod, by anybody but the author"


@pytest.mark.parametrize("by", ["jo", "JO", " Jo ", "Jo <jo@example.com>", "Jo <other@example.com>"])
def test_the_authors_own_does_not_count_however_the_name_is_written(by: str) -> None:
    assert said(ONE, approved(by))[0] is WAIT
    assert "does not count: the author" in said(ONE, approved(by))[1]
    assert said(ONE, approved("jo@example.com"), author="Jo <jo@example.com>")[0] is WAIT
    assert said(ONE, approved("J. Doe <jo@example.com>"))[0] is WAIT  # the login of a tracking server, and a mail
    assert said(ONE, approved("jo"), author="J. Doe <jo@example.com>")[0] is WAIT
    assert said(ONE, approved("jo@risk.example"), author="jo@example.com")[0] is PASS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mira", "mira"),
        ("mira", "Mira <mira@example.com>"),
        ("Mira <mira@example.com>", "M. Chen <mira@example.com>"),
        ("Mira <mira@example.com>", "Mira <mira@home.example>"),
        ("mira@example.com", "Mira <mira@example.com>"),
    ],
)
def test_nobody_counts_twice_under_two_spellings(one: str, other: str) -> None:
    assert said(TWO, approved(one), approved(other))[0] is WAIT
    assert said(TWO, approved(one), approved(other), approved("kim"))[0] is PASS


def test_as_many_count_as_can_be_told_apart() -> None:
    chain = [approved("A <x@e.org>"), approved("A <y@e.org>"), approved("B <y@e.org>")]
    for order in (chain, chain[::-1], [chain[1], chain[0], chain[2]]):
        assert said(TWO, *order)[0] is PASS  # A with x and B with y share nothing
        assert said(gate("approvals = 3"), *order)[0] is WAIT


def test_an_approval_of_nobody_does_not_count() -> None:
    assert said(ONE, approved("")) == (WAIT, "0 of 1; 's does not count: nobody's name")
    assert said(ONE, approved(" <> "))[0] is WAIT


def test_only_those_count_who_may_approve() -> None:
    asked = gate("approvals = 1\napprovers = ['mira', '*@risk.example']")
    assert said(asked, approved("kim")) == (WAIT, "0 of 1; kim's does not count: not an approver")
    assert said(asked, approved("Kim <kim@risk.example>"))[0] is PASS
    assert said(asked, approved("Mira <m@home.example>"))[0] is PASS
    assert only(asked, facts()).title == "1 approval by mira or *@risk.example"


def test_where_signers_are_named_an_unsigned_approval_does_not_count() -> None:
    asked = gate("approvals = 1\nsigners = 'allowed_signers'")
    assert said(asked, approved("mira")) == (WAIT, "0 of 1; mira's does not count: not signed")
    assert said(asked, approved("mira", signer="SHA256:abc"))[0] is PASS
    assert "SHA256:abc" in only(asked, facts(approvals=(approved("mira", signer="SHA256:abc"),))).evidence


def test_one_that_was_found_not_to_count_says_why() -> None:
    assert said(ONE, approved("mira", counts=False, why="the key has expired"))[1].endswith("the key has expired")


def test_a_rejection_stops_it_until_it_is_withdrawn_or_taken_back_by_the_same_person() -> None:
    no = approved("mira", "rejected", text="drifts on weekends")
    assert said(ONE, approved("kim"), no) == (FAIL, "rejected by mira: drifts on weekends")
    assert said(ONE, no, approved("mira"))[0] is PASS
    assert said(ONE, approved("mira"), no)[0] is FAIL
    assert said(ONE, approved("kim"))[0] is PASS


def test_an_author_may_reject_but_not_take_it_back_by_approving() -> None:
    assert said(ONE, approved("kim"), approved("jo", "rejected"))[0] is FAIL
    assert said(ONE, approved("kim"), approved("jo", "rejected"), approved("jo"))[0] is FAIL


def test_a_rejection_by_somebody_who_has_no_say_stops_nothing() -> None:
    asked = gate("approvals = 1\napprovers = ['mira', 'kim']\nsigners = 'keys'")
    mira = approved("mira", signer="SHA256:abc")
    assert said(asked, mira, approved("eve", "rejected", signer="SHA256:eve"))[0] is PASS
    assert said(asked, mira, approved("mira", "rejected"))[0] is PASS  # unsigned: anybody could have written it
    assert said(asked, mira, approved("kim", "rejected", signer="SHA256:kim"))[0] is FAIL


def test_without_a_known_author_one_approval_more_makes_sure_that_it_is_not_the_authors() -> None:
    assert said(ONE, approved("mira"), author="")[0] is UNKNOWN
    assert "who the author is" in said(ONE, approved("mira"), author=" ")[1]
    assert said(ONE, approved("mira"), approved("kim"), author="")[0] is PASS
    assert said(ONE, author="")[0] is WAIT
