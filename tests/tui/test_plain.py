"""Text mode on a workspace in memory: scripts of what a person types, and what she hears."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading

import pytest

from lineal.errors import IndexUnavailable
from lineal.model.listing import ProblemRow
from lineal.model.plan import Plan, Review
from lineal.model.records import Confidence
from lineal.policy.rules import Gate, MetricGate, Policy
from lineal_tui import desking, keys
from lineal_tui.acts import Deed, PlanRequest
from lineal_tui.keys import Where
from lineal_tui.places import Place
from lineal_tui.plain import dictionary, words
from lineal_tui.plain.conversation import _room
from lineal_tui.present import text
from lineal_tui.present.plan import Face, plan_lines
from tests.tui.fake import NOW, FakeIndex, FakeSource, version
from tests.tui.fake_desk import CHECKS, LATENCY, subject
from tests.tui.hearing import after, hear, said


def to_v19(*typed: str) -> tuple[str, ...]:
    """Return what is typed to come to v19, and then this."""
    return ("'v19", "1", *typed)


def awaited(source: FakeSource, alias: str = "prod") -> None:
    """Let somebody ask for v19 to be reviewed."""
    row = source.index.find("prod", "fraud-scorer", f"{19:08x}c0ffee")
    holder = source.index.find("prod", "fraud-scorer", f"{17:08x}c0ffee")
    assert row is not None
    assert holder is not None
    source.desk.reviews = [
        Review(subject=subject(row), alias=alias, incumbent=subject(holder), incumbent_since=NOW - 86_400 * 12,
               asked_by="ola <ola@example.com>", asked_at=NOW - 3600, text="please look")
    ]  # fmt: skip


# --- models -------------------------------------------------------------------------------------------------------


def test_the_beginning_says_where_who_and_what_there_is(source: FakeSource) -> None:
    heard = hear(source)
    assert heard[0] == "Lineal in text mode, workspace fraud-lab."
    assert heard[1].startswith("You are mira;")
    assert "5 models in 4 registries, 31 versions." in heard
    assert any(line.endswith("fraud-scorer in prod, 19 versions.") for line in heard)
    assert heard[-2:] == ["models> ", "The input has ended."]


def test_a_long_list_is_read_in_parts_and_numbers_choose(source: FakeSource) -> None:
    heard = hear(source, "/fraud-scorer", "more", "more", "less", "14", "99", "back", "quit", "never read")
    first = after(heard, "/fraud-scorer")
    assert first[0] == "19 versions matching fraud-scorer, newest first."
    assert first[1].startswith("1: fraud-scorer v19, alias staging, auc 0.9050, loss 0.2095")
    assert first[-1] == "12 of 19; type more for the next 7."
    assert after(heard, "more")[-1] == "19 of 19: that was all."
    assert after(heard, "less")[0].startswith("1: fraud-scorer v19")
    assert after(heard, "14")[0].startswith("Version v6 of fraud-scorer")
    assert "never read" not in heard


def test_a_filter_that_is_wrong_names_the_word_and_says_what_to_do(source: FakeSource) -> None:
    heard = hear(source, "filter", "modle:x", "filter alias:prod", "filter", "")
    assert after(heard, "modle:x") == [
        "Error in the filter: no field is called 'modle'; the word that is wrong: modle.",
        "What to do: did you mean model?",
    ]
    assert after(heard, "filter alias:prod")[0] == "1 version matching alias:prod, newest first."


def test_versions_are_ordered_marked_and_told_alone(source: FakeSource) -> None:
    marking = ("mark 1, 2", "mark", "mark 77", "only marked")
    heard = hear(source, "/merchant-embed", "sort", "sort auc", "sort colour", *marking)
    assert any(line.startswith("1: created, oldest first") for line in after(heard, "sort"))
    assert after(heard, "sort auc")[0].endswith("by metric.auc, highest first.")
    assert after(heard, "sort colour") == ["There is no colour to sort by here."]
    assert [line.partition("; ")[2] for line in after(heard, "mark 1, 2")] == [
        "1 version marked.", "2 versions marked.",
    ]  # fmt: skip
    assert after(heard, "mark") == ["Type mark and the number of a version of the list."]
    assert after(heard, "mark 77") == ["There is no version 77 to mark here."]
    assert len(after(heard, "only marked")) == 2


def test_a_version_is_told_with_how_it_stands_to_the_live_one(source: FakeSource) -> None:
    heard = hear(source, *to_v19("details", "more", "copy"))
    told = after(heard, "1")
    assert told[0] == "Version v19 of fraud-scorer, alias staging, in prod."
    assert "Metric auc: 0.9050, worse than prod v17 by 0.0350, higher is better." in told
    assert "It was fine-tuned from fraud-scorer v18 (inferred, not sure)." in told
    assert "3 packages; type details to hear them." in told
    whole = "\n".join(heard)
    assert "Package torch 2.13.0+cu132." in whole
    assert after(heard, "copy")[0] == "Reference: prod:fraud-scorer@v19."


# --- words --------------------------------------------------------------------------------------------------------


def test_help_says_what_can_be_done_and_why_a_word_is_off(source: FakeSource) -> None:
    heard = "\n".join(hear(source, "?", "more", "more"))
    assert "promote, or capital P: Promote the version to an alias. Off now: choose a version first." in heard
    assert "filter, or slash: Filter the versions, live." in heard
    assert "cursor" not in heard
    assert "dimmed" not in heard


def test_an_unknown_word_gets_a_suggestion(source: FakeSource) -> None:
    heard = hear(source, "prmote", "xyzzy", "zoom", "gates", "fold part", "3 4", "P")
    assert after(heard, "prmote") == ["prmote is no word here; did you mean promote?"]
    assert after(heard, "xyzzy") == ["xyzzy is no word here.", "Type ? for what can be done here."]
    assert after(heard, "zoom")[0].startswith("zoom is of use on the drawn screen only: ")
    assert after(heard, "fold part") == ["fold part is of use on review only."]
    assert after(heard, "P") == ["promote is off now: choose a version first."]


@pytest.mark.parametrize("where", keys.SCREENS)
def test_every_key_is_understood_or_said_to_be_of_the_drawn_screen(where: Where, source: FakeSource) -> None:
    row = source.index.row(0)
    room = _room(Place(where, rows=(row, row)))(None, Place(where, rows=(row, row)))  # type: ignore[arg-type]
    known, drawn = dictionary.understood(room), dictionary.screen_only(room)
    for key in keys.of(where):
        assert key.id in known.values() or key.id in drawn, key.id
        assert all(shown.isdecimal() or shown in known or shown in drawn for shown in key.shown.split()), key.id


def test_the_command_line_is_passed_on(source: FakeSource) -> None:
    heard = hear(source, ":ls --format csv", ":", ":ls 'open")
    assert after(heard, ":ls --format csv") == ["ls --format csv"]
    assert after(heard, ":")[0].startswith("Type colon and the words")
    assert after(heard, ":ls 'open") == ["That is no command: No closing quotation."]


def test_the_command_line_refuses_what_never_ends_and_knows_the_version(source: FakeSource) -> None:
    heard = hear(source, ":serve", ":lineal", ":show %", ":help")
    assert after(heard, ":serve")[0].startswith("Serve is not run here")
    assert after(heard, ":lineal")[0].startswith("Type colon and the words")
    assert after(heard, ":show %") == ["That is no command: no version is under the cursor, so % stands for nothing."]
    assert after(heard, ":help") == ["--help"]


def test_output_without_end_is_read_out_up_to_a_bound(source: FakeSource) -> None:
    code = "import sys\nfor i in range(9000): print('line', i)\nsys.stderr.write('hint: mind the end\\n'); sys.exit(6)"
    heard = after(hear(source, ":ls", verbs=(sys.executable, "-S", "-c", code)), ":ls")
    assert heard[:2] == ["line 0", "line 1"]
    assert "hint: mind the end" in heard
    assert any("more lines were left out" in said for said in heard)
    assert heard[-1] == "It ended badly: exit code 6: a registry could not be reached."
    assert len(heard) < 2300


def test_every_tone_of_a_verdict_has_a_word() -> None:
    from lineal.model.diff import Verdict
    from lineal.model.plan import Outcome
    from lineal.model.records import EdgeKind

    assert set(words.VERDICTS) == set(Verdict)
    assert set(words.OUTCOMES) == set(Outcome)
    assert set(words.CONFIDENCES) == set(Confidence)
    assert set(words.EDGES) == set(EdgeKind)
    assert words.spoken("auc ≥ 0.93, no worse than prod − 0.002") == "auc at least 0.93, no worse than prod minus 0.002"
    assert (words.span(60), words.span(86_400 * 12), words.ago(NOW - 3600, NOW)) == ("1 minute", "1 week", "1 hour ago")


# --- other screens ------------------------------------------------------------------------------------------------


def test_lineage_is_told_from_near_to_far_and_followed(source: FakeSource) -> None:
    heard = hear(source, *to_v19("lineage", "path", "mark", "mark 3", "path", "family", "1"))
    told = after(heard, "lineage")
    assert told[0].startswith("Lineage of fraud-scorer v19 in prod, alias staging: ")
    assert told[3].endswith("fraud-scorer v17 in prod, alias prod.")
    assert after(heard, "path") == ["path is off now: mark two versions first."]
    assert after(heard, "mark 3") == ["Marked fraud-scorer v17; 2 versions marked."]
    assert "The way from fraud-scorer v19 to fraud-scorer v17: 2 steps." in heard
    assert "Step 1: fraud-scorer v19 was fine-tuned from fraud-scorer v18 (inferred, not sure)." in heard
    assert any(line.startswith(("Worse: metric", "Better: metric")) for line in heard)
    assert "With siblings." in heard
    assert heard[-2] == "lineage fraud-scorer v18> "


def test_compare_tells_verdicts_first_and_then_each_difference(source: FakeSource) -> None:
    heard = hear(source, *to_v19("compare", "all", "baseline", "1"))
    told = after(heard, "compare")
    assert told[0] == "Compared with prod:fraud-scorer@v17, the baseline: prod:fraud-scorer@v19."
    assert told[1] == "Metrics: 2 of 3 differ, 2 worse."
    assert "1: Worse: metric auc; v17 0.94; v19 0.905, minus 0.0350, minus 3.7 percent; higher is better." in told
    assert "What is equal is told too." in after(heard, "all")
    assert after(heard, "baseline")[0].startswith("Compared with prod:fraud-scorer@v19, the baseline")
    assert heard[-4:-2] == ["prod:fraud-scorer@v17: 0.94, plus 0.0350, plus 3.9 percent, better.",
                            "prod:fraud-scorer@v19: 0.905."]  # fmt: skip


def test_charts_are_told_as_text(source: FakeSource) -> None:
    source.policy = Policy(gates=(Gate(alias=("prod",), metrics=(MetricGate(name="auc", min=0.93),)),))
    heard = hear(source, *to_v19("charts", "01", "more", "x", "charts"))
    assert after(heard, "charts")[:2] == ["3 metrics across the versions of fraud-scorer; choose one by number.",
                                          "1: auc, higher is better."]  # fmt: skip
    told = after(heard, "01")
    assert told[:2] == ["auc across the versions of fraud-scorer.",
                        "Behind it: 19 versions by date, higher is better: v8 0.94."]  # fmt: skip
    assert told[2:8] == [
        "auc: last 0.9050 at v19.",
        "Live version v17 prod, 0.9400: the last value is worse by 0.0350.",
        "Limit prod at least 0.9300: the last value breaks it.",
        "Best: 0.9400 at v8, higher is better.",
        "First: 0.9050 at v1.",
        "Trend over 19 values: up, from 0.9125 to 0.9200 on average, better.",
    ]
    assert after(heard, "more")[-2:] == ["v19: 0.9050.", "19 of 19: that was all."]
    steps = after(heard, "x")
    assert steps[0] == "Now along the training of fraud-scorer v19."
    assert "v19: last 0.0500 at step 19." in steps


def test_history_says_what_is_live_and_what_was_on_any_day(source: FakeSource) -> None:
    heard = hear(source, *to_v19("history", "day 20d", "day soon", "day", "yesterday", "[", "left", "3"))
    told = after(heard, "history")
    assert told[0] == "History of fraud-scorer: 5 things on record; days are UTC."
    assert told[1].startswith("fraud-scorer prod is v17 since 2026-09-09, by mira, approved by sven, prod-eu runs v14")
    assert after(heard, "day 20d")[:2] == ["On 2026-09-01, UTC.", "fraud-scorer prod was v14 since 2026-08-22, by ola."]
    assert after(heard, "day 20d")[2] == "fraud-scorer staging was unknown: nobody looked before 2026-09-19."
    assert after(heard, "day soon")[0].startswith("That is no day: a date is written")
    assert after(heard, "[")[0] == "On 2026-09-19, UTC."
    assert after(heard, "left")[0] == "On 2026-09-18, UTC."
    assert "Check 1, failed: latency_ms at most 20; 23.1 against 18.4; to mend it: make it faster." in after(heard, "3")


def test_sources_tell_problems_with_the_way_to_mend_them(source: FakeSource) -> None:
    source.index.met = [ProblemRow(registry="files", where="a/b.bin", message="not a model", hint="take it away")]
    source.index.errors["hf"] = ("the cache is not readable", "chmod it")
    heard = hear(source, "sources", "1", "next", "sync", "sync all")
    told = after(heard, "sources")
    assert heard[2] == "1 registry cannot be read: hf; type sources for why."
    assert told[0] == "4 registries, 1 cannot be read, 1 problem."
    assert told[1].startswith("1: hf, cannot be read, kind mlflow")
    chosen = after(heard, "1")
    assert any(line.startswith("Error: the cache is not readable") for line in chosen)
    assert "What to do: chmod it." in chosen
    assert any(line.startswith("Here one can move aliases") for line in chosen)
    assert after(heard, "next")[1] == "files: Problem at a/b.bin: not a model; what to do: take it away."
    assert after(heard, "sync")[0] == "Reading hf; ctrl+c stops it."


# --- actions ------------------------------------------------------------------------------------------------------


def test_a_promotion_is_read_out_and_confirmed_by_its_word_alone(source: FakeSource) -> None:
    heard = hear(source, *to_v19("promote", "", "promote", "P", "promote", "y", "promote", "promote"))
    assert [plan.subject.name for plan, _ in source.desk.did] == ["v19"]
    plan = after(heard, "promote")
    assert plan[0] == "Plan: promote fraud-scorer v19."
    assert plan[1].startswith("v19 would replace v17, which has prod since ")
    assert plan[2] == "Nothing stands in its way."
    assert "Check 1, to run: tests/smoke.py; runs when confirmed." in plan
    assert "Worse: metric loss, 0.206 in v17, 0.2095 in v19, plus 0.0035." in plan
    assert any(line.startswith("Exact call: POST /aliases/prod v19") for line in plan)
    assert plan[-1] == "Type promote to do it; enter alone, or anything else, leaves everything as it is."
    assert heard.count("Nothing was changed.") == 3
    assert "Done: prod was v17 and is v19 now." in heard
    assert heard[heard.index("Done: prod was v17 and is v19 now.") + 1] == "Type undo to take it back."


def test_the_end_of_the_input_confirms_nothing(source: FakeSource) -> None:
    heard = hear(source, *to_v19("promote"))
    assert heard[-2:] == ["Nothing was changed.", "The input has ended."]
    assert not source.desk.did


def test_a_blocked_plan_is_let_through_only_with_a_reason(source: FakeSource) -> None:
    source.desk.checks = (*CHECKS, LATENCY)
    typed = ("promote", "promote", "evidence 1", "override", "", "override fire drill", "promote")
    heard = hear(source, *to_v19(*typed))
    assert "It is blocked by 1 check: latency_ms." in after(heard, "promote")
    assert after(heard, "evidence 1")[:3] == ["Evidence of check 1:", "p50 11.2.", "p99 23.1."]
    assert "Without a reason it stays blocked." in heard
    assert "It is blocked by 1 check: latency_ms; overridden, because: fire drill." in heard
    assert [override for _, override in source.desk.did] == ["fire drill"]


def test_somebody_else_in_between_is_said_and_the_plan_is_made_anew(source: FakeSource) -> None:
    source.desk.conflicts = 1
    heard = hear(source, *to_v19("promote", "promote", "promote"))
    assert "Moved by somebody else meanwhile; this is the plan as things are now." in heard
    assert len(source.desk.did) == 1


def test_texts_are_asked_for_where_a_deed_needs_one(source: FakeSource) -> None:
    typed = ("tag owner", "tag", "owner=ola -team", "tag", "note", "", "note it drifts", "note",
             "alias -staging", "alias", "reject", "too slow", "reject")  # fmt: skip
    heard = hear(source, *to_v19(*typed))
    asked = source.desk.asked
    assert ("tag", "v19", {"owner": "ola"}, ("team",)) in asked
    assert ("say", "v19", "note", "", "it drifts") in asked
    assert ("alias", "v19", "staging", True) in asked
    assert ("say", "v19", "rejected", "prod", "too slow") in asked
    assert after(heard, "tag owner")[0].startswith("That will not do: 'owner' is neither")
    assert [plan.action for plan, _ in source.desk.did] == ["tag", "note", "alias", "rejected"]


def test_a_whole_review_and_a_rollback(source: FakeSource) -> None:
    awaited(source)
    typed = ("review", "1", "worse", "fold part", "fold part", "approve", "approve", "promote", "promote",
             "rollback", "errors since noon", "rollback", "undo", "undo")  # fmt: skip
    heard = hear(source, *typed)
    assert after(heard, "review") == [
        "1 candidate waits for a review; choose one by number.",
        "1: fraud-scorer v19 for prod, asked for by ola 1 hour ago, would replace v17, there for 1 week, "
        "saying: please look.",
    ]
    told = after(heard, "1")
    assert told[0] == "Review of fraud-scorer v19 for prod."
    assert "Review: approved by ola, 1 hour ago; it does not count: the author." in "\n".join(heard)
    assert any(line.startswith("Worse: metric loss") for line in after(heard, "worse"))
    assert [plan.action for plan, _ in source.desk.did] == ["approved", "promote", "rollback", "undo"]
    assert ("rollback", "fraud-scorer", "prod", "", "errors since noon") in source.desk.asked
    assert "Done: prod was v17 and is v14 now." in heard


def test_history_goes_back_to_what_is_chosen(source: FakeSource) -> None:
    heard = hear(source, *to_v19("history", "5", "rollback", "", "rollback"))
    assert after(heard, "5")[0].startswith("fraud-scorer prod from unknown to v14 by ola")
    assert "Type rollback to give the alias back to this version." in heard
    assert ("rollback", "fraud-scorer", "prod", "v14", "") in source.desk.asked
    assert len(source.desk.did) == 1


def test_read_only_is_said_first_and_keeps_everything_off(source: FakeSource) -> None:
    source.desk.read_only = "lineal.toml, line 3: no gate has a key 'alais'"
    heard = hear(source, *to_v19("promote", "?"))
    assert heard[1] == "Read-only, nothing can be changed: lineal.toml, line 3: no gate has a key 'alais'."
    assert after(heard, "promote") == ["promote is off now: read-only: lineal.toml, line 3: no gate has a key 'alais'."]
    assert not source.desk.asked


def test_what_was_begun_is_said_and_ended(source: FakeSource) -> None:
    source.desk.begun = [Plan(id="b" * 32, action="promote", title="promote churn v2", at=NOW, by="ola")]
    heard = hear(source, "resume", "resume")
    assert "1 action was begun and not ended; type resume." in heard
    assert source.desk.resumed == ["b" * 32]
    assert "Done: promote churn v2." in heard


def test_text_mode_and_the_screen_say_the_same_of_a_review(source: FakeSource) -> None:
    source.desk.checks = (*CHECKS, LATENCY)
    awaited(source)
    heard = "\n".join(hear(source, "review", "1", "more", "fold part", "more", "more"))
    row = source.index.find("prod", "fraud-scorer", f"{19:08x}c0ffee")
    drawn = desking.drawn(source.desk, PlanRequest(deed=Deed.PROMOTE, row=row, alias="prod", judged=True))
    shown = ["".join(span.text for span in told.line) for told in plan_lines(drawn, Face(), NOW, 200)]
    blocked = next(line for line in shown if line.startswith("✘ blocked by "))
    assert f"It is blocked by 1 check: {blocked.removeprefix('✘ blocked by ')}." in heard
    for check in drawn.plan.checks:
        assert any(text.safe(check.title) in line for line in shown)
        assert f", {words.OUTCOMES[check.outcome]}: {words.spoken(check.title)}" in heard
    for one in drawn.plan.differences:
        assert f"{words.VERDICTS[one.verdict].capitalize()}: {words.facet(one.facet)} {one.name}," in heard
    assert "4 checks: 1 failed, 1 to run and 2 passed." in heard
    assert "✘ 1 fails  … 1 to run  ✔ 2 pass" in "\n".join(shown)


# --- bad input ----------------------------------------------------------------------------------------------------


def test_an_empty_folder_says_what_to_do() -> None:
    heard = hear(FakeSource(FakeIndex(held=[])), "sources", "review", "history")
    assert "No registry was found in or around this folder." in heard
    assert "For real registries to look around in: lineal demo." in heard
    assert "Nothing waits for a review." in heard
    assert "Nothing is on record yet." in heard


def test_an_index_that_cannot_be_read_is_said_and_the_rest_goes_on(source: FakeSource) -> None:
    class Locked(FakeIndex):
        def models(self, query: str = "") -> list[object]:  # type: ignore[override]
            raise IndexUnavailable("the index is locked by another process", hint="wait for it")

    heard = hear(FakeSource(Locked()), "models", "history")
    assert "Error: the index is locked by another process." in heard
    assert "What to do: wait for it." in heard
    assert any(line.startswith("History") for line in heard)


def test_hostile_and_huge_text_is_said_in_one_safe_line() -> None:
    evil = "\x1b]52;c;aGk=\x07\x1b[2Jv\r\nP\u202e" + "x" * 1_000_000
    held = [version("prod", "m\x1b[31m", n, author=evil, message=evil, card=evil, name=f"v{n}\x9b") for n in (1, 2)]
    source = FakeSource(FakeIndex(held=held, named={}))
    heard = hear(source, "1", "1", "details", "more", "compare", "lineage", "/" + evil)
    assert max(len(line) for line in heard) < 3_000
    assert not any("\u202e" in line for line in heard)


def test_a_paste_without_end_is_dropped(source: FakeSource) -> None:
    heard = hear(source, "x" * 50_000, "sources")
    assert "4 registries, no problems." in heard


# --- ctrl+c -------------------------------------------------------------------------------------------------------


class Pressed(io.StringIO):
    """Lines that are typed; at each that says `^C` ctrl+c is pressed instead."""

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        line = super().readline(-1 if size is None else size)
        if line == "^C\n":
            raise KeyboardInterrupt
        return line


def test_ctrl_c_at_a_prompt_leaves_only_the_second_time(source: FakeSource) -> None:
    heard = said(source, Pressed("^C\nsources\n^C\nquit\n"))
    assert heard.count("Nothing was changed; ctrl+c again, or quit, leaves Lineal.") == 2
    assert "4 registries, no problems." in heard
    with pytest.raises(KeyboardInterrupt):
        said(source, Pressed("^C\n^C\nsources\n"))


def test_ctrl_c_at_a_plan_changes_nothing(source: FakeSource) -> None:
    heard = said(source, Pressed("\n".join(to_v19("promote", "^C", "sources")) + "\n"))
    assert "Nothing was changed; ctrl+c again, or quit, leaves Lineal." in heard
    assert "4 registries, no problems." in heard
    assert not source.desk.did


def test_ctrl_c_stops_an_action_before_its_next_step(source: FakeSource) -> None:
    desk = source.desk
    desk.hold = threading.Event()

    class Pressing(tuple[str, ...]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            os.kill(os.getpid(), signal.SIGINT)
            return iter(())

    desk.steps = Pressing()
    heard = hear(source, *to_v19("promote", "promote", "sources"))
    assert "Stopping before the next step; ctrl+c again leaves at once." in heard
    assert "Error: tests/smoke.py was stopped." in heard
    assert "4 registries, no problems." in heard
    assert not desk.did
