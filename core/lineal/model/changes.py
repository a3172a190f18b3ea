"""What an action changes in a registry or says in the ledger: a closed union, each with its inverse.

`before` is what must hold for a change to be applied, `after` what holds then. A version is named by its key within its
model, "" for none. Text in a change comes from registries and people: it is made safe where it is shown.
"""

from __future__ import annotations

import msgspec

from lineal.model.records import AliasKind
from lineal.model.values import Tag


class SetAlias(msgspec.Struct, frozen=True, kw_only=True, tag="alias", omit_defaults=True):
    """Move an alias of a model from one version to another, make it, or take it away."""

    registry: str
    model: str
    alias: str
    before: str = ""
    after: str = ""
    kind: AliasKind = AliasKind.ALIAS

    def inverse(self) -> SetAlias:
        """Return the change that undoes this one."""
        return msgspec.structs.replace(self, before=self.after, after=self.before)


class SetTags(msgspec.Struct, frozen=True, kw_only=True, tag="tags", omit_defaults=True):
    """Give a version other tags. Only keys that are in `before` or `after` are concerned; one not in `after` goes."""

    registry: str
    model: str
    key: str
    before: tuple[Tag, ...] = ()
    after: tuple[Tag, ...] = ()

    def inverse(self) -> SetTags:
        """Return the change that undoes this one."""
        return msgspec.structs.replace(self, before=self.after, after=self.before)


class Register(msgspec.Struct, frozen=True, kw_only=True, tag="register", omit_defaults=True):
    """Give what is not registered yet a version of a model (GTO: tag a commit; MLflow: a run's model), or undo that.

    `source` is the key of the version that is registered (a commit, `run:<id>`), `of` the model it stands under now.
    `after` is the name of the new version where the registry lets one be chosen (GTO), "" for the registry's own
    numbering. With `gone` the registration named `after` is taken back.
    """

    registry: str
    model: str
    source: str
    of: str = ""
    after: str = ""
    gone: bool = False

    def inverse(self) -> Register:
        """Return the change that undoes this one."""
        return msgspec.structs.replace(self, gone=not self.gone)


class Restore(msgspec.Struct, frozen=True, kw_only=True, tag="restore", omit_defaults=True):
    """Commit a tracked file (`x.dvc`, `dvc.lock`) as it was at another commit, on the branch `branch`.

    `before` and `after` are the file's git blobs: before is what the branch holds now.
    """

    registry: str
    model: str
    path: str
    branch: str
    before: str = ""
    after: str = ""
    key: str = ""  # the version that is restored

    def inverse(self) -> Restore:
        """Return the change that undoes this one."""
        return msgspec.structs.replace(self, before=self.after, after=self.before)


class Say(msgspec.Struct, frozen=True, kw_only=True, tag="say", omit_defaults=True):
    """Write something down about a version that no registry holds: a review, an approval, a note, where it runs.

    `what` is a kind of `lineal.ledger.events`: requested, approved, rejected, note, deployed. With `withdrawn` it is
    taken back: an event never goes, but it does not count any more.
    """

    registry: str
    model: str
    key: str
    what: str
    alias: str = ""
    text: str = ""
    where: str = ""  # of a deployment
    event: str = ""  # the id of its event: drawn when it is planned, so that it can be withdrawn
    withdrawn: bool = False

    def inverse(self) -> Say:
        """Return the change that undoes this one."""
        return msgspec.structs.replace(self, withdrawn=not self.withdrawn)


Change = SetAlias | SetTags | Register | Restore | Say


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """Who changes something, when, why, and as part of which action: what a registry can keep of it, it keeps."""

    action: str  # 32 hexadecimal digits
    at: float  # Unix seconds
    by: str = ""
    mail: str = ""
    reason: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a registry says of a change that it applied: `after` as it named it, and what it was asked."""

    after: str = ""
    calls: tuple[str, ...] = ()
    detail: str = ""
