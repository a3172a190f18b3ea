"""What people did in the demo with Lineal itself: a store of checkpoints, a request that waits, one that must not pass.

These go through the same desk as anybody's actions, each under the name of who did it and at the time of the story.
"""

from __future__ import annotations

import msgspec

from lineal.actions.desk import Desk
from lineal.config import Surroundings
from lineal.demo.story import HALFWAY, MIRA, OLA, SVEN, Calendar, Person
from lineal.errors import Error
from lineal.model.values import Metric, Param
from lineal.registries.native import trees
from lineal.registries.native.shelf import Said
from lineal.store.manifest import Parent
from lineal.sync import sync
from lineal.workspace import Workspace

FOLDER = "runs/fraud-scorer-2.3.0"
POLICY = """\

# Who lets a version through: the same verdict on the screen, in `lineal check` and in CI.
[policy.names]
version = "v[0-9]+([.][0-9]+)*"

[[gate]]
alias = "prod"
models = ["fraud"]
require = ["environment", "data", "code", "parent"]
clean = true
after = "staging"
approvals = 2

[gate.files]
safe = true

[gate.environment]
python = ">=3.11,<3.13"
torch = ">=2.12"

[[gate.metric]]
name = "auc"
min = 0.9
no_worse = true
noise = 0.001

[[gate.metric]]
name = "recall_at_fpr5"
no_worse = true
noise = 0.005
"""


class Cast:
    """The people of the demo, at their desks."""

    def __init__(self, work: Workspace, dates: Calendar) -> None:
        self._work, self._dates = work, dates

    def act(self) -> None:
        """Let them do what they did. The index must be up to date, and is so again afterwards."""
        self._keep_checkpoints()
        with self._as(OLA, days=2) as desk:
            row = desk.work.version("risk-models:fraud@v2.3.0")
            desk.execute(desk.say(row, "requested", alias="prod", text="better on every metric, quieter at night"))
        with self._as(SVEN, days=1) as desk:
            row = desk.work.version("risk-models:fraud@v2.3.0")
            desk.execute(desk.say(row, "approved", alias="prod", text="replayed last week: no alert was lost"))
            wide = desk.work.version("risk-models:fraud@wide-128")
            desk.execute(desk.say(wide, "requested", alias="prod", text="wider, the same data"))
        with self._as(MIRA, days=0.5) as desk:
            model = "risk-models:fraud"
            for where, version in (("prod-eu", "v2.2.0"), ("prod-us", "v2.1.1")):
                desk.execute(desk.say(desk.work.version(f"{model}@{version}"), "deployed", where=where))

    def _keep_checkpoints(self) -> None:
        """Commit the checkpoints of the last training, each as a difference from the one before; name the best."""
        with self._as(MIRA, days=3) as desk, desk.work.shelf(create=True) as shelf:
            parents: tuple[Parent, ...] = ()
            for step, loss in zip(HALFWAY, (0.3317, 0.2634, 0.2364), strict=True):
                tree = trees.read([self._work.root / FOLDER / f"checkpoint-{step}" / "model.safetensors"])
                said = Said(
                    parents=parents,
                    params=(Param("step", step),),
                    metrics=(Metric("loss", loss),),
                    message=f"after {step} steps",
                )
                made = shelf.commit(tree, said, kind="model", name="fraud-steps")
                parents = (Parent(kind="resumed", id=made.id, model="fraud-steps"),)
        self.refresh()
        with self._as(MIRA, days=3) as desk:
            desk.execute(desk.move(desk.work.version("store:fraud-steps@v3"), "best", reason="lowest loss"))
        self.refresh()

    def refresh(self) -> None:
        """Bring the index up to date with what was just done."""
        with Workspace(self._work.config, self._work.around) as work:  # which finds the store, now that it is there
            sync(work.specs, work.around, self._work.index_url, fingerprint=False)

    def _as(self, who: Person, *, days: float) -> _Seat:
        at = float(self._dates.ago(days))
        around = self._work.around
        environ = {**around.environ, "LINEAL_AUTHOR": f"{who.name} <{who.email}>"}
        return _Seat(Workspace(self._work.config, Surroundings(around.cwd, around.home, environ, lambda: at)))


class _Seat:
    """A desk that is left again."""

    def __init__(self, work: Workspace) -> None:
        work.config = msgspec.structs.replace(work.config, signing="", read_only="")
        self._work = work
        self._desk = Desk(work)

    def __enter__(self) -> Desk:
        return self._desk

    def __exit__(self, *_: object) -> None:
        self._desk.close()
        self._work.close()


def act(work: Workspace) -> str:
    """Let the people of the demo act in its workspace; return why they could not, "" where they could."""
    try:
        Cast(work, Calendar(work.around.clock())).act()
    except Error as error:
        return error.message
    return ""
