"""The verdict on a version in the forms that people and CI systems read: pure functions of a plan.

| outcome of a check | JUnit | GitHub | why |
|---|---|---|---|
| pass | passed | - | |
| fail | failure | error | |
| wait | failure of type `wait` | warning | it stands in the way, so no viewer may show it green |
| unknown, untrusted | error | error | it could not be judged |
| pending | skipped | notice | it has not run, and the verdict does not count it |

JSON is the plan itself (`lineal.model.plan.Plan`), and `decode` reads it back: the checks run once, and their verdict
is shown in as many forms as are wanted.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from lineal.cli import checks_markdown as markdown
from lineal.cli import output, plans
from lineal.cli.output import json_text, moment
from lineal.errors import BadFormat, Unavailable
from lineal.model.plan import CheckResult, Outcome, Plan
from lineal.model.text import visible, visible_lines


class Form(StrEnum):
    """How a verdict is written."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"
    MD = "md"
    GITHUB = "github"


def render(plan: Plan, form: Form) -> str:
    """Return the verdict in a form, without the last line's end; no character of it acts on a terminal."""
    match form:
        case Form.JSON:
            return document(plan)
        case Form.JUNIT:
            return junit(plan)
        case Form.MD:
            return markdown.comment(plan).removesuffix("\n")
        case Form.GITHUB:
            return github(plan)
        case Form.TABLE:
            return table(plan)


def table(plan: Plan) -> str:
    """Return the verdict as lines for people: what is judged, each check with its reason, what to do."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    subject, incumbent = visible(markdown.name(plan.subject)), visible(markdown.name(plan.incumbent))
    yield f"{subject} → {visible(plan.alias)}, against {incumbent}: {markdown.verdict(plan)}"
    yield from plans.checks(plan.checks)
    yield from (f"  note: {visible(note)}" for note in plan.notes)


def write(plan: Plan, form: str, environ: Mapping[str, str]) -> None:
    """Write the verdict to stdout; `github` also appends it to the summary of the job, where one is named.

    Raises:
        Unavailable: the summary cannot be written.
    """
    if form == Form.GITHUB and (summary := environ.get("GITHUB_STEP_SUMMARY")):
        try:
            add_summary(plan, Path(summary))
        except OSError as e:
            raise Unavailable(f"the summary of the job, {summary}, cannot be written: {e.strerror}") from e
    output.write(render(plan, Form(form)))


def document(plan: Plan) -> str:
    """Return the plan as indented JSON; `decode` reads it back."""
    return msgspec.json.format(json_text(plan), indent=2)


def decode(data: bytes) -> Plan:
    """Read a plan back from what `document` wrote.

    Raises:
        BadFormat: it is no such JSON.
    """
    try:
        shape = msgspec.json.decode(data)
        for one in shape.get("checks", ()):
            _numbers(one, "value", "against")
        for one in shape.get("differences", ()):
            _numbers(one, "delta")
        return msgspec.convert(shape, Plan)
    except (msgspec.MsgspecError, AttributeError, TypeError, ValueError, RecursionError) as e:
        raise BadFormat("this is no verdict of `lineal check --format json`", hint=visible(str(e), 200)) from e


def _numbers(shape: dict[str, Any], *names: str) -> None:
    """Make floats of what stands as text because JSON has no NaN and no infinities."""
    for name in names:
        if shape.get(name) in ("NaN", "Infinity", "-Infinity"):
            shape[name] = float(shape[name])


_ILLEGAL = re.compile("[\ufffe\uffff]")  # not in XML 1.0, section 2.2; what else is not, `visible` escapes already


def _xml(text: str) -> str:
    return _ILLEGAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _line(text: str) -> str:
    return _xml(visible(text, 2_000))


def junit(plan: Plan) -> str:
    """Return the verdict as a JUnit file: one suite for the version and alias, one case for each check."""
    states = [_STATES[one.outcome] for one in plan.checks]
    about = f"{plan.subject.model or 'version'} for {plan.alias}"
    suite = ET.Element(
        "testsuite",
        name=_line(about),
        tests=str(len(plan.checks)),
        failures=str(states.count("failure")),
        errors=str(states.count("error")),
        skipped=str(states.count("skipped")),
    )
    if re.match(r"\d{4}-", at := moment(plan.at)):
        suite.set("timestamp", at.removesuffix("Z"))
    properties = ET.SubElement(suite, "properties")
    for key, value in _properties(plan):
        ET.SubElement(properties, "property", name=key, value=_line(value))
    suite.extend(_case(plan, one) for one in plan.checks)
    root = ET.Element("testsuites", {key: value for key, value in suite.attrib.items() if key != "timestamp"})
    root.append(suite)
    ET.indent(root)
    return "<?xml version='1.0' encoding='UTF-8'?>\n" + ET.tostring(root, encoding="unicode")


_STATES = {
    Outcome.PASS: "",
    Outcome.FAIL: "failure",
    Outcome.WAIT: "failure",
    Outcome.UNKNOWN: "error",
    Outcome.UNTRUSTED: "error",
    Outcome.PENDING: "skipped",
}


def _properties(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "version", markdown.name(plan.subject)
    yield "against", markdown.name(plan.incumbent)
    yield "alias", plan.alias
    yield "policy", plan.policy
    yield "content", plan.content


def _case(plan: Plan, one: CheckResult) -> ET.Element:
    classname = f"lineal.{plan.subject.model or 'version'}.{plan.alias}"
    case = ET.Element("testcase", classname=_line(classname), name=_line(f"{one.id}: {one.title}"))
    if state := _STATES[one.outcome]:
        said = ET.SubElement(case, state, message=_line(one.reason or one.title))
        if state != "skipped":
            said.set("type", one.outcome.value)
        said.text = _xml(visible_lines("\n".join(filter(None, (one.reason, one.hint and f"hint: {one.hint}")))))
    if one.evidence:
        ET.SubElement(case, "system-out").text = _xml(visible_lines(one.evidence))
    return case


_COMMANDS = {
    Outcome.FAIL: "error",
    Outcome.UNKNOWN: "error",
    Outcome.UNTRUSTED: "error",
    Outcome.WAIT: "warning",
    Outcome.PENDING: "notice",
}


def github(plan: Plan) -> str:
    """Return workflow commands that annotate the run, what stands in the way first, then the table for the log.

    GitHub shows ten annotations of a kind and step; the summary has all.
    """
    ordered = sorted((one for one in plan.checks if not one.passed), key=lambda one: list(_COMMANDS).index(one.outcome))
    return "\n".join([*(_annotation(plan, one) for one in ordered), *map(_inert, _lines(plan))])


def _annotation(plan: Plan, one: CheckResult) -> str:
    title = f"{plan.subject.model} for {plan.alias}: {one.title}"
    said = "\n".join(filter(None, (one.reason or one.title, one.hint and f"hint: {one.hint}")))
    return f"::{_COMMANDS[one.outcome]} title={_property(visible(title, 250))}::{_data(visible_lines(said))}"


def _data(text: str) -> str:
    """Escape the text of a workflow command, as the runner reads it back (actions/runner, ActionCommand.cs)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _inert(line: str) -> str:
    """Keep a line of the log from being a command: `::` only counts at its start, the older `##[` anywhere."""
    line = line.replace("##[", "#\\x23[")
    return line.replace(":", "\\x3a", 1) if line.lstrip().startswith("::") else line


def add_summary(plan: Plan, file: Path) -> None:
    """Append the verdict to the summary of a job (the file that GITHUB_STEP_SUMMARY names; UTF-8).

    Raises:
        OSError: the file cannot be written.
    """
    with file.open("a", encoding="utf-8", newline="\n") as to:
        to.write(markdown.comment(plan) + "\n")
