"""The forms of a verdict: real parsers read them back, and no text in a check becomes anything but text."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from lineal.cli import checks_formats as formats
from lineal.cli import checks_markdown as markdown
from lineal.cli.checks_formats import Form
from lineal.errors import BadFormat
from lineal.model.changes import SetAlias
from lineal.model.diff import Verdict
from lineal.model.plan import Approval, CheckResult, Difference, Outcome, Plan, Step, Subject
from lineal.model.text import UNSAFE, visible
from tests.cli.hostile import EVIL

AUC = CheckResult(
    id="metric.auc",
    title="auc ≥ 0.93, no worse than prod − 0.002",
    outcome=Outcome.FAIL,
    reason="0.91 against 0.9371",
    hint="train it longer",
    gate="prod",
    value=0.91,
    against=0.9371,
)
CHECKS = (
    CheckResult(id="name.model", title="the model's name is one", outcome=Outcome.PASS),
    AUC,
    CheckResult(id="approvals", title="1 approval", outcome=Outcome.WAIT, reason="none yet"),
    CheckResult(id="environment", title="an environment", outcome=Outcome.UNKNOWN, reason="none was recorded"),
    CheckResult(id="command.smoke", title="smoke", outcome=Outcome.UNTRUSTED, hint="lineal trust"),
    CheckResult(id="command.slow", title="slow", outcome=Outcome.PENDING, evidence="line 1\nline 2"),
)


def plan(*checks: CheckResult, **more: Any) -> Plan:
    """A plan to promote churn@v3, which v2 stands against."""
    values: dict[str, Any] = {
        "id": "0" * 32,
        "action": "promote",
        "title": "promote churn@v3 to prod",
        "at": 1_790_000_000.0,
        "by": "mira",
        "subject": Subject(registry="git", model="churn", key="a" * 40, name="v3", reference="git:churn@v3"),
        "incumbent": Subject(registry="git", model="churn", key="b" * 40, name="v2", reference="git:churn@v2"),
        "alias": "prod",
        "policy": "ab" * 32,
        "checks": checks,
    }
    return Plan(**(values | more))


def hostile(text: str) -> Plan:
    """A plan in which every field that a registry, a policy or a command can fill is `text`."""
    check = CheckResult(id=text, title=text, outcome=Outcome.FAIL, reason=text, hint=text, evidence=text)
    return plan(
        check,
        msgspec.structs.replace(check, outcome=Outcome.PENDING),
        subject=Subject(registry=text, model=text, key=text, name=text, reference=text, author=text),
        incumbent=Subject(registry=text, model=text, key=text or "k", name=text, reference=text),
        alias=text,
        notes=(text, text),
        approvals=(Approval(by=text, at=1.0, what=text, text=text, counts=False, why=text),),
        differences=(Difference(facet=text, name=text, before=text, after=text, verdict=Verdict.WORSE, note=text),),
        policy=text,
        content=text,
        reason=text,
    )


SHARP = (
    "::error::owned",
    "x\n::set-output name=a::b",
    "%0A::error::x",
    "a,b:c%",
    "##[add-mask]x",
    "a|b\\|c`d``e",
    "[x](javascript:1) ![y](z)",
    "<script>alert(1)</script><!-- --> -->",
    "]]></failure>",
    "&lt;&amp;&#10;",
    "```\n# head\n````",
    "@mira #12 !3 https://evil.example www.evil.example",
    "1. one",
    "- two\n+ three",
    "\ufffe\uffff\ufdd0\U0001ffff",
    "\\",
    "",
    " ",
)
texts = st.one_of(
    st.sampled_from([*SHARP, *(text[:3000] for text in EVIL.values())]),
    st.text(max_size=40),
    st.text(alphabet="|`\\<>&[]()!#@:%*_~-=+\n\r\t .w/1a\x1b\u202e", max_size=30),
)
html = MarkdownIt("commonmark").enable("table")


def flat(tokens: list[Token]) -> list[Token]:
    """Return tokens with those inside them."""
    return [inner for token in tokens for inner in (token, *flat(token.children or []))]


class TestTable:
    """Lines for people."""

    def test_each_check_stands_with_its_reason_and_what_to_do(self) -> None:
        lines = [line.strip() for line in formats.table(plan(*CHECKS, notes=("not verified",))).splitlines()]
        assert "✘ auc ≥ 0.93, no worse than prod − 0.002  0.91 against 0.9371" in lines
        assert "train it longer" in lines
        assert lines[0] == "git:churn@v3 → prod, against git:churn@v2: 4 of 6 checks stand in the way"
        assert lines[-1] == "note: not verified"

    def test_without_gates_it_says_so(self) -> None:
        assert formats.table(plan()).endswith("no gate of the policy speaks of it")

    @given(texts)
    @settings(deadline=None)
    def test_no_text_makes_a_line_or_acts_on_a_terminal(self, text: str) -> None:
        lines = formats.table(hostile(text)).split("\n")
        assert not any(UNSAFE.search(line) for line in lines)
        evidence = [line for line in lines if line.startswith("      | ")]
        assert len(evidence) <= 20
        assert len(lines) - len(evidence) == (7 if text else 5)


class TestJson:
    """The plan itself."""

    def test_it_is_read_back_whole(self) -> None:
        change = SetAlias(registry="git", model="churn", alias="prod", before="b", after="a")
        whole = plan(*CHECKS, steps=(Step(change=change, calls=("git tag",)),), verified=True)
        assert formats.decode(formats.document(whole).encode()) == whole

    def test_numbers_that_json_has_not_are_read_back(self) -> None:
        nan, infinite = float("nan"), float("inf")
        back = formats.decode(
            formats.document(plan(msgspec.structs.replace(AUC, value=nan, against=infinite))).encode()
        )
        assert back.checks[0].value != back.checks[0].value
        assert back.checks[0].against == infinite

    @given(texts)
    @settings(deadline=None)
    def test_any_text_is_read_back(self, text: str) -> None:
        said = formats.document(hostile(text))
        assert not UNSAFE.search(said.replace("\n", ""))
        assert json.loads(said)["checks"][0]["title"] == text.encode(errors="backslashreplace").decode()
        assert formats.decode(said.encode()).checks[0].outcome is Outcome.FAIL

    @pytest.mark.parametrize(
        "data", [b"", b"[]", b"7", b'{"checks": 3}', b'{"checks": [1]}', b"{}", b"\xff", b"[" * 99999]
    )
    def test_what_is_no_verdict_is_refused(self, data: bytes) -> None:
        with pytest.raises(BadFormat):
            formats.decode(data)


class TestJunit:
    """JUnit, read by an XML parser."""

    def test_outcomes_become_states_and_counts(self) -> None:
        root = ET.fromstring(formats.junit(plan(*CHECKS)))
        (suite,) = root
        assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
            "tests": "6",
            "failures": "2",
            "errors": "2",
            "skipped": "1",
        }
        states = {str(case.get("name")).partition(":")[0]: [one.tag for one in case] for case in suite.iter("testcase")}
        assert states == {
            "name.model": [],
            "metric.auc": ["failure"],
            "approvals": ["failure"],
            "environment": ["error"],
            "command.smoke": ["error"],
            "command.slow": ["skipped", "system-out"],
        }
        assert suite.get("timestamp") == "2026-09-21T14:13:20"
        assert suite.findtext(".//failure") == "0.91 against 0.9371\nhint: train it longer"
        assert [one.get("type") for one in suite.iter("failure")] == ["fail", "wait"]

    @given(texts)
    @settings(deadline=None)
    @example("\ufffe \x00 ]]> \ud800")
    def test_any_text_gives_well_formed_xml_of_the_same_shape(self, text: str) -> None:
        root = ET.fromstring(formats.junit(hostile(text)).encode())
        shape = [element.tag for element in root.iter()]
        assert shape.count("testcase") == 2
        assert shape.count("failure") == shape.count("skipped") == 1
        assert set(shape) <= {"testsuites", "testsuite", "properties", "property", "testcase", "failure", "skipped",
                              "system-out"}  # fmt: skip


_COMMAND = re.compile(r"::(?P<name>\S+?)(?: (?P<properties>.*?))?::(?P<data>.*)", re.DOTALL)


def runner(log: str) -> list[tuple[str, dict[str, str], str]]:
    """Return the workflow commands of a log, as GitHub's runner reads them (actions/runner, ActionCommand.cs)."""
    found = []
    for line in re.split("\r\n|\r|\n", log):
        assert "##[" not in line or line.startswith("::"), "the older form counts anywhere"
        if match := _COMMAND.fullmatch(line.lstrip()):
            pairs = (one.split("=", 1) for one in (match["properties"] or "").split(",") if "=" in one)
            found.append((match["name"], {key: _unescaped(value) for key, value in pairs}, _unescaped(match["data"])))
    return found


def _unescaped(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


class TestGithub:
    """Workflow commands, read as the runner reads them."""

    def test_what_stands_in_the_way_is_annotated_worst_first(self) -> None:
        found = runner(formats.github(plan(*CHECKS)))
        assert [name for name, _, _ in found] == ["error", "error", "error", "warning", "notice"]
        assert found[0][1] == {"title": "churn for prod: auc ≥ 0.93, no worse than prod − 0.002"}
        assert found[0][2] == "0.91 against 0.9371\nhint: train it longer"

    @given(texts)
    @settings(deadline=None)
    def test_no_text_makes_a_command_of_its_own(self, text: str) -> None:
        found = runner(formats.github(hostile(text)))
        assert [(name, set(properties)) for name, properties, _ in found] == [
            ("error", {"title"}),
            ("notice", {"title"}),
        ]

    def test_the_summary_is_appended(self, tmp_path: Path) -> None:
        file = tmp_path / "summary"
        file.write_text("before\n")
        formats.add_summary(plan(*CHECKS), file)
        assert file.read_text() == "before\n" + markdown.comment(plan(*CHECKS)) + "\n"


class TestMarkdown:
    """The comment, read by a parser of CommonMark with tables."""

    def test_what_stands_in_the_way_comes_first(self) -> None:
        page = html.render(markdown.comment(plan(*CHECKS)))
        rows = re.findall(r"<tr>\s*<td>(.*?)</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>", page, re.DOTALL)
        assert rows[0] == ("❌ fail", "auc ≥ 0.93, no worse than prod − 0.002", "0.91 against 0.9371")
        assert rows[-1][0] == "✅ pass"

    def test_the_marker_is_the_first_line_and_is_about_model_and_alias(self) -> None:
        first = markdown.comment(plan(*CHECKS)).splitlines()[0]
        assert re.fullmatch(r"<!-- lineal-check:[0-9a-f]{16} -->", first)
        assert first == markdown.comment(plan(subject=Subject(registry="git", model="churn", key="c"))).splitlines()[0]
        assert first != markdown.comment(plan(alias="staging")).splitlines()[0]

    @given(texts)
    @settings(max_examples=300, deadline=None)
    def test_any_text_is_only_text(self, text: str) -> None:
        tokens = flat(html.parse(markdown.comment(hostile(text))))
        kinds = {token.type for token in tokens}
        assert not kinds & {"link_open", "image", "em_open", "code_block", "hr", "blockquote_open"}
        assert [token.type for token in tokens].count("heading_open") == 1
        assert [token.type for token in tokens].count("table_open") == 2
        assert [token.type for token in tokens].count("fence") == (2 if text else 0)
        assert sum(token.type == "tr_open" for token in tokens) == 2 + 2 + 1
        assert sum(token.type == "td_open" for token in tokens) == 2 * 4 + 5
        spans = [token.content for token in tokens if token.type == "code_inline"]
        assert all(re.fullmatch("[0-9a-f:]{1,12}", span) for span in spans), "digests, in the foot"
        raw = {token.content for token in tokens if token.type == "html_inline"}
        assert raw <= {"<!-- -->", "<sub>", "</sub>"}
        assert sum(token.type == "list_item_open" for token in tokens) == 3

    @given(texts)
    @settings(deadline=None)
    def test_a_quotation_shows_the_text_and_calls_nobody(self, text: str) -> None:
        quotation = markdown.quoted(text)
        tokens = flat(html.parse("| x |\n| --- |\n| ." + quotation + ". |"))
        shown = "".join(token.content for token in tokens if token.type in ("text", "text_special"))
        assert shown == "x." + UNSAFE.sub("", shown[2:-1]) + "."
        assert shown[2:-1].strip() == visible(text, 2000).strip()
        assert not re.search(r"[@#](?!<!-- -->|\d+;)|://|www\.", quotation)

    @settings(max_examples=20, deadline=None)
    @given(st.integers(1, 400), texts)
    def test_it_never_outgrows_a_comment(self, count: int, text: str) -> None:
        checks = [
            CheckResult(id=str(i), title=text * 50, outcome=Outcome.FAIL, evidence=text * 999) for i in range(count)
        ]
        assert len(markdown.comment(plan(*checks))) <= markdown.LONGEST


@pytest.mark.parametrize("form", list(Form))
def test_every_form_is_rendered_and_ends_without_a_line_end(form: Form) -> None:
    said = formats.render(plan(*CHECKS), form)
    assert "auc" in said
    assert not said.endswith("\n")
