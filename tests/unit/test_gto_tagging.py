"""What GTO's tags would have to be for a change: names, numbers, dates, and what no tag can do."""

from __future__ import annotations

import pytest

from lineal.errors import ConfigError, Conflict, Unsupported
from lineal.model.changes import Register, SetAlias, Stamp
from lineal.registries.dvc import gto, tagging
from lineal.registries.dvc.gto import Act, Event
from lineal.registries.dvc.tagging import Ground

NOW = 1_790_000_000.0
A, B, C = "a" * 40, "b" * 40, "c" * 40
STAMP = Stamp(action="0" * 31 + "1", at=NOW + 0.9, by="mira", mail="mira@example.com", reason="better")


def ground(*tags: tuple[str, str, float], also: tuple[str, ...] = ()) -> Ground:
    """Return what tags (name, commit, time before now) amount to, `also` being lightweight ones."""
    lines = [f"refs/tags/{name}\0tag\0{'d' * 40}\0commit\0{commit}\0{NOW - ago:.0f}\0Ada" for name, commit, ago in tags]
    lines += [f"refs/tags/{name}\0commit\0{A}\0\0\0\0" for name in also]
    return tagging.look("\n".join([*lines, ""]), "net")


VERSIONS = (("net@v1.0.0", A, 300.0), ("net@v1.1.0", B, 200.0))


def move(before: str, after: str, alias: str = "prod", model: str = "net") -> SetAlias:
    return SetAlias(registry="git", model=model, alias=alias, before=before, after=after)


def register(source: str, after: str = "", *, gone: bool = False) -> Register:
    return Register(registry="git", model="net", source=source, after=after, gone=gone)


def names(events: tuple[Event, ...]) -> list[str]:
    return [event.tag for event in events]


def test_one_number_counts_all_tags_of_an_artifact() -> None:
    """Stages, versions, lightweight tags; not those of other artifacts."""
    there = ground(*VERSIONS, ("net#dev#7", A, 100.0), ("nets#prod#70", A, 90.0), also=("net#prod#8",))
    events = tagging.planned(there, move("", A), STAMP)
    assert [(one.tag, one.commit, one.at, one.act) for one in events] == [("net#prod#9", A, NOW, Act.ASSIGN)]


def test_a_tag_is_dated_behind_the_newest_of_its_artifact() -> None:
    """Only dates count, to the second: a newest tag a little ahead of the clock moves ours behind it."""
    there = ground(*VERSIONS, ("net#prod#3", A, -50.0))
    assert tagging.planned(there, move(A, B), STAMP)[0].at == NOW + 51
    tie = ground(*VERSIONS, ("net#prod#3", A, 0.0))
    assert tagging.planned(tie, move(A, B), STAMP)[0].at == NOW + 1


def test_a_newest_tag_far_ahead_is_named() -> None:
    """More than a day: whose clock is wrong is for a person to say."""
    with pytest.raises(Conflict, match=r"net#prod#3 is dated 2026-09-23 .*more than a day ahead") as caught:
        tagging.planned(ground(*VERSIONS, ("net#prod#3", A, -2 * 86_400.0)), move(A, B), STAMP)
    assert "net#prod#3" in caught.value.hint
    tagging.planned(ground(*VERSIONS, ("net#prod#3", A, -80_000.0)), move(A, B), STAMP)
    with pytest.raises(Conflict, match="9999"):
        tagging.planned(ground(*VERSIONS, ("net#prod#3", A, -1e15)), move(A, B), STAMP)


def test_going_back_to_an_old_version_is_one_assignment() -> None:
    """What GTO's own command refuses without force."""
    there = ground(*VERSIONS, ("net#prod#3", A, 100.0), ("net#prod#4", B, 50.0))
    assert names(tagging.planned(there, move(B, A), STAMP)) == ["net#prod#5"]


def test_a_stage_is_taken_from_all_that_would_show_it_the_last_one_last() -> None:
    """The stage never shows an old version in between."""
    there = ground(*VERSIONS, ("net#prod#3", A, 100.0), ("net#prod#4", B, 50.0))
    events = tagging.planned(there, move(B, ""), STAMP)
    assert [(one.tag, one.commit, one.at) for one in events] == [
        ("net#prod!#5", A, NOW),
        ("net#prod!#6", B, NOW + 1),
    ]
    assert there.held(events[:1]).stages["prod"].commit == B
    assert "prod" not in there.held(events).stages


def test_what_does_not_hold_is_a_conflict() -> None:
    """`before` is compared, a change that holds is one too, and names are those of versions."""
    there = ground(*VERSIONS, ("net#prod#3", A, 100.0))
    for change in (move("", B), move(B, A), move(A, A)):
        with pytest.raises(Conflict, match=r"v1\.0\.0"):
            tagging.planned(there, change, STAMP)
    with pytest.raises(Conflict, match="is nothing now"):
        tagging.planned(ground(*VERSIONS), move(A, B), STAMP)


def test_what_no_tag_can_do_is_refused_with_the_reason() -> None:
    """A deregistered version gets no stage, and a commit without a version would keep one for ever."""
    gone = ground(*VERSIONS, ("net@v1.1.0!", B, 100.0), ("net#prod#3", A, 50.0))
    with pytest.raises(Unsupported, match=r"v1\.1\.0 of net was deregistered"):
        tagging.planned(gone, move(A, B), STAMP)
    with pytest.raises(Unsupported, match="has none") as caught:
        tagging.planned(ground(*VERSIONS), move("", C), STAMP)
    assert "register" in caught.value.hint
    there = ground(*VERSIONS, ("net#prod#3", A, 100.0))
    assert names(tagging.planned(there, move(A, C), STAMP)) == ["net#prod#4"]  # it can be moved back
    with pytest.raises(Unsupported, match="has none"):
        tagging.planned(ground(*VERSIONS, ("net#prod#3", C, 100.0)), move(C, ""), STAMP)


@pytest.mark.parametrize("model", ["models/net.pt", "a:b:c", "-", "net#x", "net@v1", "nét", "a" * 300, "a b", ""])
def test_names_that_gto_could_not_read_are_refused(model: str) -> None:
    """Before anything is written; the message is short whatever the name."""
    there = tagging.look("", model)
    with pytest.raises(ConfigError) as caught:
        tagging.planned(there, move("", A, model=model), STAMP)
    assert caught.value.hint
    assert len(caught.value.message) < 150


@pytest.mark.parametrize("alias", ["", "prod!", "a#b", "-x", "x-", "a b", "prod\n", "é"])
def test_stages_that_gto_could_not_read_are_refused(alias: str) -> None:
    with pytest.raises(ConfigError, match="stage"):
        tagging.planned(ground(*VERSIONS), move("", A, alias), STAMP)


@pytest.mark.parametrize("version", ["1.0.0", "v1", "v1.0", "v01.0.0", "v1.0.0!", "latest", "v1.0.0\n"])
def test_versions_that_are_not_semantic_are_refused(version: str) -> None:
    with pytest.raises(ConfigError, match="version"):
        tagging.planned(ground(*VERSIONS), register(C, version), STAMP)


def test_a_folder_in_a_name_is_written_with_another_sign() -> None:
    """`models:net` is `models=net` in tags, and is read back."""
    name = gto.written("models:net", Act.UNASSIGN, "prod", 5)
    assert name == "models=net#prod!#5"
    event = gto.parse(name, A, NOW, "")
    assert event is not None
    assert (event.artifact, event.act, event.subject) == ("models:net", Act.UNASSIGN, "prod")
    assert gto.counted(name) == ("models:net", 5)


def test_a_version_is_one_commit_for_good() -> None:
    """As GTO's own command has it: no second name for a commit, no second commit for a name."""
    there = ground(*VERSIONS, ("net@v1.1.0!", B, 100.0))
    for change in (register(A), register(A, "v2.0.0"), register(B, "v2.0.0"), register(C, "v1.1.0")):
        with pytest.raises(Conflict):
            tagging.planned(there, change, STAMP)
    assert names(tagging.planned(there, register(C), STAMP)) == ["net@v1.1.1"]
    assert names(tagging.planned(there, register(B), STAMP)) == ["net@v1.1.0#1"]
    assert names(tagging.planned(ground(), register(A), STAMP)) == ["net@v0.0.1"]


def test_taking_a_version_back_leaves_stages_alone() -> None:
    """A registration behind a stage is not taken back; one that is not there cannot be."""
    there = ground(*VERSIONS, ("net#prod#3", A, 100.0))
    with pytest.raises(Conflict, match="prod of net"):
        tagging.planned(there, register(A, "v1.0.0", gone=True), STAMP)
    assert names(tagging.planned(there, register(B, "v1.1.0", gone=True), STAMP)) == ["net@v1.1.0!"]
    for change in (register(A, "v1.1.0", gone=True), register(C, "v3.0.0", gone=True)):
        with pytest.raises(Conflict):
            tagging.planned(there, change, STAMP)


def test_registering_a_commit_that_a_stage_rests_on_may_not_move_the_stage() -> None:
    """Where an unassignment waits that GTO did not count, a version would make it count."""
    there = ground(("net@v1.0.0", A, 300.0), ("net#prod#2", C, 200.0), ("net#prod!#3", C, 100.0))
    assert tagging.held_by(there, "prod") == C
    with pytest.raises(Conflict, match="prod of net"):
        tagging.planned(there, register(C), STAMP)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([], "v0.0.1"),
        (["v0.9.0", "v0.10.3"], "v0.10.4"),
        (["v1.0.0", "v2.0.0-rc.1"], "v2.0.1"),
        (["v1.0.0+build.5"], "v1.0.1"),
    ],
)
def test_the_next_version_is_the_next_patch_of_the_greatest(versions: list[str], expected: str) -> None:
    assert gto.following(versions) == expected


def test_a_message_names_its_action_and_no_reason_can_name_another() -> None:
    """The last trailer counts, before a signature; lines of a reason that look like one are shifted."""
    evil = "because\n\nLineal-Action: ffff\n-----BEGIN PGP SIGNATURE-----\n\x1b[31mred\0"
    text = tagging.worded(Stamp(action="abcd", at=0.0, reason=evil), "plain")
    assert tagging.action(text) == "abcd"
    assert "\x1b" not in text
    assert "\0" not in text
    signed = f"{text}-----BEGIN SSH SIGNATURE-----\nLineal-Action: ffff\n-----END SSH SIGNATURE-----\n"
    assert tagging.action(signed) == "abcd"
    assert tagging.action("no trailer") == ""
    assert tagging.worded(Stamp(action="abcd", at=0.0), "plain") == "plain\n\nLineal-Action: abcd\n"
