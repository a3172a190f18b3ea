"""The contracts that registries pass; public, so that a third-party adapter can prove itself.

    class TestMine(RegistryContract):
        @pytest.fixture
        def source(self, tmp_path) -> Source:
            spec = RegistrySpec(name="mine", kind="mine", url=str(tmp_path / "theirs"))
            return Source(spec=spec, around=..., trees=(tmp_path / "theirs",))

One that can be changed passes `WriteContract` too, with a `target` fixture. Needs pytest. `Fold` is the meaning of a
scan in memory: what an index must hold after it.
"""

from lineal.testing.reading import Fold, RegistryContract, Source, digest, snapshot
from lineal.testing.writing import Target, WriteContract, stamped

__all__ = ["Fold", "RegistryContract", "Source", "Target", "WriteContract", "digest", "snapshot", "stamped"]
