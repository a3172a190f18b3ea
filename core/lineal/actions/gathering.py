"""What the policy judges: looked up in the index, the registries, git and the ledger. Only what a gate asks for is.

What cannot be found out is left out: the policy never takes that for good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lineal.actions import contents
from lineal.actions.history import spoken
from lineal.errors import ConfigError, Error
from lineal.formats.window import read_small
from lineal.ledger.events import Event
from lineal.ledger.folding import State
from lineal.model.listing import VersionRow
from lineal.model.plan import Approval
from lineal.model.records import EdgeKind, Node, NodeKind
from lineal.model.version import Version
from lineal.policy.facts import CommandResult, Facts, Held
from lineal.policy.rules import Gate

if TYPE_CHECKING:
    from lineal.actions.desk import Desk
    from lineal.ledger.opening import Chronicle
    from lineal.ledger.signers import AllowedSigners

_SIGNERS = 1 << 20  # bytes of a file of allowed signers
_NO_PARENTS = frozenset({EdgeKind.TRAINED_ON, EdgeKind.BUILT_FROM})


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate for an alias, as it is looked up."""

    row: VersionRow
    version: Version
    alias: str
    incumbent: Version | None = None
    incumbent_name: str = ""
    named: str = ""  # the registry as the ledger calls it
    kind: str = ""  # of the registry


class Gatherer:
    """Looks facts up for one person, in one workspace, at one state of the ledger."""

    def __init__(self, desk: Desk, state: State, signatures: Signatures) -> None:
        self._desk, self._work, self._state, self._signatures = desk, desk.work, state, signatures

    def facts(
        self, case: Case, gates: Sequence[Gate], commands: Mapping[str, CommandResult], verified: bool | None
    ) -> Facts:
        """Return what is known. Gates that ask for nothing that is dear cost nothing that is."""
        version, row = case.version, case.row
        looked = self._look(version) if any(gate.files.safe for gate in gates) else None
        reachable, branches = self._code(version) if any(gate.clean or gate.branches for gate in gates) else (None, ())
        sizes = [file.size for file in version.files]
        return Facts(
            version=version,
            registry=row.registry,
            model=row.model,
            alias=case.alias,
            now=self._work.around.clock(),
            registry_kind=case.kind,
            incumbent=case.incumbent,
            incumbent_name=case.incumbent_name,
            actor=self._desk.who,
            author=version.author,
            parents=self._parents(row),
            code_reachable=reachable,
            code_branches=branches,
            unsafe=looked.pickled if looked else (),
            unscanned=bool(looked.unread) if looked else True,
            scanned=looked.findings if looked and not looked.unread else None,
            verified=verified,
            size=sum(size for size in sizes if size is not None) if None not in sizes else None,
            held=tuple(self._held(case, gates)),
            approvals=self._approvals(case, gates),
            commands=commands,
            goals=lambda name: self._work.goals.of(name)[0],
            noise=self._work.goals.noise,
        )

    def _look(self, version: Version) -> contents.Look:
        return contents.look(version, self._work.registry(version.registry))

    def _parents(self, row: VersionRow) -> int:
        node = Node(NodeKind.VERSION, row.registry, row.model, row.key)
        edges = self._work.index.parents([node]).get(node, [])
        return sum(edge.kind not in _NO_PARENTS for edge in edges)

    def _code(self, version: Version) -> tuple[bool | None, tuple[str, ...]]:
        """Say whether a branch of a remote has the code (any branch, where no remote is); None where it is not here."""
        from lineal.formats.git import Git

        code = version.code
        if code is None or not code.commit or not all(c in "0123456789abcdef" for c in code.commit):
            return None, ()
        local = [spec.url for spec in self._work.specs if spec.kind == "dvc" and "://" not in spec.url]
        for folder in dict.fromkeys([code.local, *local, str(self._work.root)]):
            try:
                git = Git(folder) if folder and Path(folder).is_dir() else None
                if git is None or not git.holds(code.commit):
                    continue
                places = "refs/remotes" if git.tried("remote") else "refs/heads"
                listing = ("for-each-ref", "--format=%(refname:lstrip=2)", f"--contains={code.commit}", places)
                said = git.tried(*listing) or ""
            except Error:
                continue
            branches = tuple(line for line in said.split("\n") if line and not line.endswith("/HEAD"))
            return bool(branches), branches
        return None, ()

    def _held(self, case: Case, gates: Sequence[Gate]) -> list[Held]:
        """Return when the candidate had the aliases that gates ask for."""
        names = dict.fromkeys(gate.after for gate in gates if gate.after)
        book = self._desk.book(case.row.registry) if names else None
        return (
            [
                Held(alias=name, since=one.since, until=one.until)
                for name in names
                for one in reversed(book.holdings(case.row.registry, case.row.model, name))
                if one.subject.key == case.row.key
            ]
            if book
            else []
        )

    def _approvals(self, case: Case, gates: Sequence[Gate]) -> tuple[Approval, ...]:
        """Return what reviewers said. Where signatures are asked for, only a signed word takes a signed one back."""
        files = tuple(dict.fromkeys(gate.signers for gate in gates if gate.signers))
        found = []
        for event, taken in self._state.reviews(case.named, case.row.model, case.row.key):
            judged = [self._signatures.judged(one, event, files) for one in spoken([event], case.alias)]
            if judged and taken is not None:
                back = self._signatures.judged(judged[0], taken, files)
                if back.counts or not judged[0].counts:
                    continue
            found += judged
        return tuple(found)


class Signatures:
    """Looks at signatures of what was said.

    A file of allowed signers lies in the workspace, or where CI judges by a base branch, there; keys that are revoked
    stand in a file beside it, `NAME.revoked`.
    """

    def __init__(self, read: Callable[[str], bytes | None], shelf: Chronicle | None) -> None:
        """Take `read`, which gives a file of the workspace, or None where there is none."""
        self._read, self._shelf = read, shelf

    def judged(self, approval: Approval, event: Event, files: Sequence[str]) -> Approval:
        """Return an approval with its signer, or with the reason why it does not count."""
        if not files or self._shelf is None:
            return approval
        from lineal.ledger.signing import Refused, verify

        signer = ""
        for name in files:
            try:
                answer = verify(event, self._shelf.store.id, self._allowed(name), not_before=self._before(event.id))
            except Error as error:
                return msgspec.structs.replace(approval, counts=False, why=error.message)
            if isinstance(answer, Refused):
                return msgspec.structs.replace(approval, counts=False, why=f"{answer.reason}: {answer.text}")
            signer = answer.fingerprint
        return msgspec.structs.replace(approval, signer=signer)

    def _before(self, event: str) -> float:
        """Return the time of the entry before an event's: what claims to be older than that is looked at twice."""
        assert self._shelf is not None
        found = self._shelf.ledger.find(event)
        return self._shelf.ledger.entry(found.number - 1).event.at if found and found.number > 1 else 0.0

    def _allowed(self, name: str) -> AllowedSigners:
        """Read a file of allowed signers. Raises ConfigError, Unavailable, BadFormat."""
        from lineal.ledger.signers import AllowedSigners

        said = self._read(name)
        if said is None:
            raise ConfigError(f"there is no file {name}", hint="it lists who may sign, as ssh-keygen's allowed_signers")
        revoked = (self._read(f"{name}.revoked") or b"").decode("utf-8", "backslashreplace")
        return AllowedSigners.parse(said.decode("utf-8", "backslashreplace"), revoked)


def in_workspace(root: Path) -> Callable[[str], bytes | None]:
    """Return what reads the files of a workspace: at most 1 MiB of each, and none outside it."""

    def read(name: str) -> bytes | None:
        path = (root / name).resolve()
        if not path.is_relative_to(root.resolve()) or not path.is_file():
            return None
        return read_small(path, _SIGNERS)

    return read
