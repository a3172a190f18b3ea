"""The adapter that core/README.md shows is a real one: it passes the contract suite as it stands there."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from lineal import registries
from lineal.config import RegistrySpec, Surroundings
from lineal.testing import RegistryContract, Source

GUIDE = Path(__file__).parents[2] / "core" / "README.md"


class TestTheAdapterOfTheGuide(RegistryContract):
    @pytest.fixture
    def source(self, tmp_path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> Source:
        match = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
        assert match
        code = tmp_path / "lineal_guide_adapter.py"
        code.write_text(match[1])
        spec = spec_from_file_location("lineal_guide_adapter", code)
        assert spec
        assert spec.loader
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "lineal_guide_adapter", module)
        spec.loader.exec_module(module)
        monkeypatch.setitem(registries.BUILTIN, "binaries", "lineal_guide_adapter")
        root = tmp_path / "theirs"
        for name in ("a/1.bin", "a/2.bin", "b/1.bin"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(name.encode() * 9)
        return Source(spec=RegistrySpec(name="bins", kind="binaries", url=str(root)), around=around, trees=(root,))


def test_the_guide_names_every_module_of_the_core() -> None:
    text = GUIDE.read_text()
    package = GUIDE.parent / "lineal"
    modules = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert [name for name in sorted(modules - {"__init__"}) if f"`{name}" not in text] == []
