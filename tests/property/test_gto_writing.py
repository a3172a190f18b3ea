"""Whatever sequence of changes is written, the tags mean what the changes said: by our reading and by GTO's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import Conflict, Unsupported
from lineal.model.changes import Register, SetAlias, Stamp
from lineal.registries import connect
from lineal.registries.base import Registry
from lineal.registries.dvc import gto, tagging
from lineal.registries.dvc.gto import Act, Event
from lineal.registries.dvc.tagging import Ground
from tests.sources.dvc import Repo, dvc_file, dvc_yaml, out, run

COMMITS = 4
STAGES = ("dev", "prod", "stage/1")
NOW = 1_790_000_000
Change = SetAlias | Register
# What to do, about which stage, to which commit (the last one is none), and how far the clock goes meanwhile.
STEP = st.tuples(
    st.sampled_from(("move", "move", "move", "register", "deregister", "undo")),
    st.sampled_from(STAGES),
    st.integers(0, COMMITS),
    st.sampled_from((-3, 0, 0, 1, 60)),
)


class Told:
    """What was said: the holder of each stage and the version of each commit."""

    def __init__(self) -> None:
        self.stages: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        self.done: list[Change] = []
        self.at = NOW

    def asked(self, kind: str, stage: str, key: str) -> Change | None:
        """Return the change of a step; None where there is nothing to undo."""
        if kind == "undo":
            return self.done[-1].inverse() if self.done else None
        if kind == "move":
            return SetAlias(registry="git", model="net", alias=stage, before=self.stages.get(stage, ""), after=key)
        gone = kind == "deregister"
        return Register(registry="git", model="net", source=key, after=self.versions.get(key, ""), gone=gone)

    def take(self, change: Change, after: str) -> None:
        """Take in what was applied."""
        if isinstance(change, SetAlias):
            self.stages.pop(change.alias, None)
            self.stages |= {change.alias: change.after} if change.after else {}
            self.done.append(change)
            return
        named = Register(registry="git", model="net", source=change.source, after=after, gone=change.gone)
        self.done.append(named)
        self.versions.pop(change.source, None)
        self.versions |= {} if change.gone else {change.source: after}


def foreign(draw: tuple[int, int, int, int], number: int) -> Event:
    """Return a tag that somebody else made."""
    act, commit, stage, ago = draw
    acts = (Act.ASSIGN, Act.UNASSIGN, Act.REGISTER, Act.DEREGISTER, Act.DEPRECATE)
    tag = f"net#x#{number}"
    subject = f"v1.0.{commit}" if acts[act] in (Act.REGISTER, Act.DEREGISTER) else STAGES[stage]
    return Event(tag=tag, artifact="net", act=acts[act], subject=subject, commit=str(commit) * 40, at=NOW - ago, by="")


@settings(max_examples=300, deadline=None)
@given(
    others=st.lists(st.tuples(*(st.integers(0, most) for most in (4, COMMITS - 1, 2, 5))), max_size=12),
    steps=st.lists(STEP, min_size=1, max_size=8),
)
def test_tags_that_are_planned_mean_the_change(
    others: list[tuple[int, int, int, int]], steps: list[tuple[str, str, int, int]]
) -> None:
    """On any tags of others: what is planned makes exactly the change, its inverse undoes it, or it is refused."""
    events = tuple(foreign(other, number) for number, other in enumerate(others))
    ground = Ground(artifact="net", events=events, names=frozenset(one.tag for one in events), count=len(events))
    for kind, stage, place, later in steps:
        held = ground.held()
        told = Told()
        told.stages = {name: event.commit for name, event in held.stages.items()}
        told.versions = {event.commit: version for version, event in held.versions.items()}
        change = told.asked(kind, stage, "" if place == COMMITS else str(place) * 40)
        stamp = Stamp(action="a" * 32, at=float(NOW + later))
        if change is None or (isinstance(change, Register) and not change.source):
            continue
        try:
            tags = tagging.planned(ground, change, stamp)
        except (Conflict, Unsupported):
            continue
        told.take(change, tags[-1].subject)
        ground = tagging._with(ground, tags)
        now = ground.held()
        assert {name: event.commit for name, event in now.stages.items()} == told.stages
        assert {event.commit: version for version, event in now.versions.items()} == told.versions
        assert min(tag.at for tag in tags) > max((event.at for event in held_events(ground, tags)), default=0.0)
        if isinstance(change, SetAlias) or change.source not in told.stages.values():  # a stage keeps its version
            undone = ground.held(tagging.planned(ground, told.done[-1].inverse(), stamp))
            assert {name: event.commit for name, event in undone.stages.items()} == {
                name: event.commit for name, event in held.stages.items()
            }
            assert undone.versions.keys() == held.versions.keys()


def held_events(ground: Ground, tags: tuple[Event, ...]) -> list[Event]:
    """Return the events that were there before `tags`."""
    return [event for event in ground.events if event not in tags]


def repository(path: Path) -> tuple[Repo, list[str]]:
    """Make a repository of four versions of one model, two of them registered."""
    repo = Repo(path)
    model = dvc_yaml(artifacts={"net": {"path": "net.pt", "type": "model"}})
    files = [{"dvc.yaml": model, "net.pt.dvc": dvc_file(out("net.pt", b"%d" % number))} for number in range(COMMITS)]
    commits = [repo.commit(dict(one)) for one in files]
    for number in (0, 1):
        repo.tag(f"net@v1.0.{number}", commits[number], at=NOW - 100 + number)
    return repo, commits


def written(registry: Registry, commits: list[str], steps: list[tuple[str, str, int, int]]) -> Told:
    """Apply steps, as far as they can be, and return what was said."""
    told = Told()
    told.versions = {commits[0]: "v1.0.0", commits[1]: "v1.0.1"}
    for number, (kind, stage, place, later) in enumerate(steps):
        told.at += later
        change = told.asked(kind, stage, "" if place == COMMITS else commits[place])
        if change is None or (isinstance(change, Register) and not change.source):
            continue
        stamp = Stamp(action=f"{number:032x}", at=float(told.at), by="mira", mail="mira@example.com")
        try:
            receipt = registry.apply(change, stamp)
        except (Conflict, Unsupported):
            continue
        told.take(change, receipt.after)
    return told


def test_gto_reads_what_was_written(oracle: Callable[[str], Path], tmp_path: Path, around: Surroundings) -> None:
    """Sequences of moves, registrations and undos in real repositories, clocks going back among them."""
    ends: list[tuple[Path, list[str], Told]] = []

    @settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(STEP, min_size=6, max_size=10))
    def write(steps: list[tuple[str, str, int, int]]) -> None:
        repo, commits = repository(Path(mkdtemp(dir=tmp_path)) / "repo")
        registry = connect(RegistrySpec(name="git", kind="dvc", url=str(repo.path)), around)
        ends.append((repo.path, commits, written(registry, commits, steps)))

    write()
    feed = json.dumps([str(path) for path, _, _ in ends])
    said = json.loads(run(oracle("dvc"), "gto_show.py", home=tmp_path / "gto-home", feed=feed))
    for (path, _, told), theirs in zip(ends, said, strict=True):
        versions = {version: commit for commit, version in told.versions.items()}
        stages = {stage: told.versions.get(commit, commit) for stage, commit in told.stages.items()}
        assert (theirs["net"]["stages"], theirs["net"]["versions"]) == (stages, versions), path
    assert sum(len(told.done) for _, _, told in ends) > len(ends)


def test_following_versions_are_later() -> None:
    """The next version is greater than each before it, by semantic precedence."""

    @given(st.lists(st.tuples(*(st.integers(0, 30) for _ in range(3))), min_size=1))
    def check(numbers: list[tuple[int, int, int]]) -> None:
        versions = [f"v{a}.{b}.{c}" for a, b, c in numbers]
        assert gto.precedence(gto.following(versions)) > max(map(gto.precedence, versions))

    check()
