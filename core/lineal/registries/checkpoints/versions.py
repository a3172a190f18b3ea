"""A run's files made into records: versions with their facts, aliases and edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from lineal.formats import requirements
from lineal.formats.tensors import parameter_count
from lineal.model.records import Alias, Model, Record
from lineal.model.values import Goal, Metric, Param, Tag, Value
from lineal.model.version import Environment, Kind, Package, State, Version
from lineal.model.version import Run as TrainingRun
from lineal.registries.checkpoints import cards, contents, history, lineage, pieces, settings
from lineal.registries.checkpoints.contents import Content
from lineal.registries.checkpoints.layout import Found, Run
from lineal.registries.checkpoints.pieces import text
from lineal.registries.checkpoints.probe import Probe
from lineal.registries.checkpoints.walk import Tree, join

RESULTS = ("train_results.json", "eval_results.json", "test_results.json", "predict_results.json", "all_results.json")
_FORMATS = ("safetensors", "torch", "gguf", "onnx")


class Item(msgspec.Struct, kw_only=True):
    """One version while it is put together. `contents` are those of its weights that could be read."""

    found: Found
    contents: dict[str, Content]
    key: str
    step: int | None
    missing: tuple[str, ...]
    external: tuple[str, ...]
    params: dict[str, Value]
    raw_config: dict[str, Any]
    card: cards.Card


class Describer:
    """Reads one run. Records come in the order: the model, versions, aliases, edges."""

    def __init__(self, probe: Probe, tree: Tree, run: Run, model: str) -> None:
        self.probe, self.tree, self.run, self.model = probe, tree, run, model

    def records(self) -> Iterator[Record]:
        """Yield the run's records; the problems met are in the probe afterwards."""
        self.history = history.read(self.probe, self.tree, self.run)
        self.shared = settings.of_run(self.probe, self.tree, self.run)
        self.overrides = settings.overrides(self.probe, self.tree, self.run)
        items = [item for found in self.run.found if (item := self.item(found)) is not None]
        if not items:
            return
        self.steps = Counter(item.step for item in items if not item.found.final)  # a number names one version
        yield Model(registry=self.probe.registry, name=self.model, description=self.description(items))
        for item in items:
            yield self.version(item)
        yield from self.aliases(items)
        yield from lineage.edges(self.probe.registry, self.model, items, self.history)

    def item(self, found: Found) -> Item | None:
        """Read a version's weights; None where there is nothing of it that could be read."""
        read = {path: content for path in found.weights if (content := contents.read(self.probe, path)) is not None}
        if found.weights and not read and found.path in found.weights:
            return None
        external, outside = pieces.external(self.probe, self.tree, read)
        params = self.params(found, read)
        files = self.tree.folders[found.folder].files
        raw = self.probe.json(join(found.folder, settings.CONFIG)) if settings.CONFIG in files else {}
        adapter = self.probe.json(join(found.folder, settings.ADAPTER)) if settings.ADAPTER in files else {}
        whole = found.path not in found.weights
        return Item(
            found=found,
            contents=read,
            key=f"{text(found.path)}@{pieces.mark(self.probe, found, read, external)}",
            step=self.step(found, read, params),
            missing=tuple(sorted({*found.missing, *pieces.missing_shards(self.probe, self.tree, found), *outside})),
            external=external,
            params=params,
            raw_config=raw | adapter,
            card=cards.read(self.probe, join(found.folder, "README.md"))
            if whole and "README.md" in files
            else cards.Card(),
        )

    def params(self, found: Found, read: dict[str, Content]) -> dict[str, Value]:
        """Return the parameters of a version; files of settings win over the weights' own metadata."""
        params: dict[str, Value] = {}
        for content in read.values():
            params |= settings.flat(content.hyperparameters)
        params |= self.shared | settings.of_folder(self.probe, self.tree, self.run, found)
        tensors = main_tensors(list(read.values()))
        if tensors and len(read) == len(found.weights) and not found.missing:
            params["model.parameters"] = parameter_count(tensors)
        return params

    def step(self, found: Found, read: dict[str, Content], params: dict[str, Value]) -> int | None:
        """Return the step at which a version stands: by its name, its trainer's state, or the file's own word."""
        if found.step is not None:
            return found.step
        state = self.history.states.get("" if found.final else found.path, {})
        if found.final and params.get("load_best_model_at_end") is True:
            state = {"global_step": state.get("best_global_step") or lineage.best_step(state)} if state else state
        counts = [state.get("global_step")]
        counts += [content.settings.get(name) for content in read.values() for name in ("global_step", "step")]
        return next((count for count in counts if type(count) is int and 0 <= count < 1 << 63), None)

    def version(self, item: Item) -> Version:
        """Put a version together."""
        found = item.found
        state = State.PARTIAL if item.missing or len(item.contents) < len(found.weights) else State.READY
        if item.missing:
            shown = ", ".join(text(path) for path in item.missing[:3])
            self.probe.problem(
                text(found.path), f"{len(item.missing)} of its files are missing: {shown}", "copy them here too"
            )
        return Version(
            registry=self.probe.registry,
            model=self.model,
            key=item.key,
            name=text(found.name),
            kind=Kind.CHECKPOINT,
            number=item.step if self.steps[item.step] == 1 and not found.final else None,
            created_at=pieces.written(self.tree, found),
            state=state,
            params=tuple(Param(name, item.params[name]) for name in sorted(item.params)),
            metrics=self.metrics(item),
            tags=self.tags(item),
            environment=self.environment(item),
            datasets=item.card.datasets,
            run=TrainingRun(id=self.model, name=self.model.rpartition("/")[2]),
            files=pieces.files(self.probe, self.tree, found, item.external),
            card=item.card.text,
        )

    def metrics(self, item: Item) -> tuple[Metric, ...]:
        """Return the last values at a version's step, and those of the final evaluation."""
        goals = self.goals(item)
        ambiguous = item.step is None and item.found.epoch is not None and len(self.run.found) > 1
        curves = {} if ambiguous else history.of_version(self.history, item.found, item.step)
        found = {name: Metric(name, s.values[-1], s.steps[-1], goals.get(name)) for name, s in curves.items()}
        for path in self.results(item.found):
            for name, value in self.probe.json(path).items():
                if isinstance(value, int | float) and not isinstance(value, bool) and name != "epoch":
                    found[name] = Metric(name, history.number(value), item.step, goals.get(name))
        return tuple(found[name] for name in sorted(found))

    def results(self, found: Found) -> list[str]:
        """Return the files of results that are about this version."""
        files = self.tree.folders[self.run.folder].files
        names: tuple[str, ...] = RESULTS if found.folder == self.run.folder else ()
        if len(self.run.found) == 1:
            names += ("metrics.json",)
        return [join(self.run.folder, name) for name in names if name in files]

    def goals(self, item: Item) -> dict[str, Goal]:
        """Return which metrics get better which way, where the training itself says so."""
        found = {name: Goal(way) for content in item.contents.values() for name, way in contents.goals(content).items()}
        best, greater = item.params.get("metric_for_best_model"), item.params.get("greater_is_better")
        if isinstance(best, str) and isinstance(greater, bool):
            found[best if best.startswith("eval_") else f"eval_{best}"] = Goal.MAX if greater else Goal.MIN
        return found

    def tags(self, item: Item) -> tuple[Tag, ...]:
        """Return what the weights and the card say in a word or two."""
        tensors = main_tensors(list(item.contents.values()))
        dtypes: Counter[str] = Counter()
        for tensor in tensors:
            dtypes[tensor.dtype] += parameter_count([tensor])
        found = {
            "format": ", ".join(sorted({content.format for content in item.contents.values()})),
            "framework": self.framework(item),
            "dtype": dtypes.most_common(1)[0][0] if dtypes else "",
            "hydra.overrides": self.overrides,
        }
        cls = next((c.settings["class"] for c in item.contents.values() if "class" in c.settings), "")
        plain = [Tag(name, value) for name, value in sorted({**found, "class": cls}.items()) if value]
        return (*plain, *item.card.tags)

    def framework(self, item: Item) -> str:
        """Return the name of what trained a version, or ""."""
        if any("pytorch-lightning_version" in content.settings for content in item.contents.values()):
            return "lightning"
        if settings.ADAPTER in self.tree.folders[item.found.folder].files:
            return "peft"
        return "transformers" if self.history.states or "model_type" in item.raw_config else ""

    def environment(self, item: Item) -> Environment | None:
        """Return what environment files say, and the versions that the tools wrote into their own files."""
        versions = {"transformers": item.raw_config.get("transformers_version")}
        for content in item.contents.values():
            versions["lightning"] = content.settings.get("pytorch-lightning_version")
        packages = [Package(name, version) for name, version in sorted(versions.items()) if isinstance(version, str)]
        stated = requirements.environment(tuple(packages), sources=(text(item.found.path),)) if packages else None
        read = settings.environment(self.probe, self.tree, [self.run.folder, item.found.folder])
        return requirements.merge(stated, read) if stated and read else stated or read

    def aliases(self, items: list[Item]) -> Iterator[Alias]:
        """Yield `best` where the training says which was, and links to files by other names (`last`)."""
        found: dict[str, str] = {}
        if best := lineage.best(items, self.history):
            found["best"] = best.key
        by_path = {path: item.key for item in items for path in item.found.weights}
        for name, target in self.run.links.items():
            if target in by_path:
                found.setdefault(text(name), by_path[target])
        for name, key in sorted(found.items()):
            yield Alias(registry=self.probe.registry, model=self.model, name=name, key=key)

    def description(self, items: list[Item]) -> str:
        """Return one line on what the run is."""
        kinds = {self.framework(item) for item in items} - {""} or {f for i in items for f in _formats(i)}
        classes = [item.raw_config.get("architectures") for item in items]
        named = {name for names in classes if isinstance(names, list) for name in names if isinstance(name, str)}
        return ", ".join([*sorted(kinds), *sorted(named)])[:200]


def _formats(item: Item) -> set[str]:
    return {content.format for content in item.contents.values()}


def main_tensors(read: list[Content]) -> list[Any]:
    """Return the tensors of the first format there is: the same weights may lie there in several."""
    for name in _FORMATS:
        if tensors := [tensor for content in read if content.format == name for tensor in content.tensors]:
            return tensors
    return []


def model_name(root: Path, folder: str) -> str:
    """Return the name of the model that a run is: its path from the root, which itself has its folder's name."""
    if not folder:
        return text(root.name) or "root"
    return f"./{text(folder)}" if folder == root.name else text(folder)
