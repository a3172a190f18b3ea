"""What happened in the demo's laboratory: who trained what, when, on which data, with which software, and why.

Everything here is authored; what the models then score is not, they are really trained (`lab`).
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from lineal.demo.network import Settings


class Person(msgspec.Struct, frozen=True):
    """Somebody at the laboratory."""

    name: str
    email: str

    @property
    def user(self) -> str:
        """Return the login."""
        return self.email.partition("@")[0]


MIRA = Person("Mira Okafor", "mira@fraud-lab.example")
OLA = Person("Ola Lindqvist", "ola@fraud-lab.example")
SVEN = Person("Sven Brandt", "sven@fraud-lab.example")


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """The software and the machine of a training."""

    python: str
    torch: str
    cuda: str
    cudnn: str
    driver: str
    gpu: str
    transformers: str
    numpy: str
    scikit_learn: str
    pandas: str
    mlflow: str
    rich: str

    def requirements(self) -> dict[str, str]:
        """Return the pinned distributions, by name, in order."""
        return {
            "dvc": "3.67.1",
            "gto": "1.10.1",
            "mlflow": self.mlflow,
            "numpy": self.numpy,
            "nvidia-cuda-runtime": self.cuda,
            "nvidia-cudnn-cu13": self.cudnn,
            "pandas": self.pandas,
            "pyyaml": "6.0.2",
            "rich": self.rich,
            "safetensors": "0.6.2",
            "scikit-learn": self.scikit_learn,
            "torch": self.torch,
            "transformers": self.transformers,
        }


SPRING = Stack(
    python="3.11.9",
    torch="2.11.0+cu130",
    cuda="13.0.48",
    cudnn="9.13.0.50",
    driver="575.57.08",
    gpu="NVIDIA A100-SXM4-80GB",
    transformers="5.12.0",
    numpy="2.2.6",
    scikit_learn="1.7.2",
    pandas="2.3.3",
    mlflow="2.22.1",
    rich="14.1.0",
)
SUMMER = Stack(
    python="3.12.7",
    torch="2.12.1+cu131",
    cuda="13.1.80",
    cudnn="9.15.1.9",
    driver="580.95.05",
    gpu="NVIDIA H100 80GB HBM3",
    transformers="5.16.2",
    numpy="2.3.4",
    scikit_learn="1.7.2",
    pandas="2.3.3",
    mlflow="3.17.2",
    rich="14.3.0",
)
AUTUMN = Stack(
    python="3.12.11",
    torch="2.13.0+cu132",
    cuda="13.2.51",
    cudnn="9.17.0.29",
    driver="590.48.01",
    gpu="NVIDIA H100 80GB HBM3",
    transformers="5.17.0",
    numpy="2.4.1",
    scikit_learn="1.8.0",
    pandas="3.0.1",
    mlflow="3.17.2",
    rich="15.0.0",
)


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the fraud scorer. `parent` is the number of the release whose weights it began with.

    Without a parent it began with the base model, whose encoder a wider network keeps.
    """

    number: int
    semver: str
    days: float  # ago
    author: Person
    why: str  # the subject of the commit that changed code, data or parameters
    settings: Settings
    width: int
    rows: int
    time: float  # of its data, in the world's time
    stack: Stack
    parent: int = 0
    arrived: float = 1.0


BASE_WIDTH, WIDTH = 64, 96
RELEASES = (
    Release(
        number=1,
        semver="1.0.0",
        days=168,
        author=MIRA,
        why="Fine-tune the tabular base on our own transactions",
        settings=Settings(lr=1e-3, epochs=4),
        width=BASE_WIDTH,
        rows=4000,
        time=0.1,
        stack=SPRING,
    ),
    Release(
        number=2,
        semver="1.0.1",
        days=161,
        author=MIRA,
        why="Train for twice as long: the curve was still falling",
        settings=Settings(lr=1e-3, epochs=8),
        width=BASE_WIDTH,
        rows=4000,
        time=0.1,
        stack=SPRING,
        parent=1,
    ),
    Release(
        number=3,
        semver="1.1.0",
        days=140,
        author=OLA,
        why="Decay the weights a little",
        settings=Settings(lr=1e-3, epochs=8, weight_decay=0.02),
        width=BASE_WIDTH,
        rows=4000,
        time=0.3,
        stack=SPRING,
        parent=2,
    ),
    Release(
        number=4,
        semver="1.2.0",
        days=112,
        author=OLA,
        why="Take a quarter more transactions",
        settings=Settings(lr=1e-3, epochs=8, weight_decay=0.02),
        width=BASE_WIDTH,
        rows=5000,
        time=0.5,
        stack=SPRING,
        parent=3,
    ),
    Release(
        number=5,
        semver="2.0.0",
        days=84,
        author=MIRA,
        why="Widen the first layer to 96 and begin from the base again",
        settings=Settings(lr=2e-3, epochs=14, weight_decay=0.05),
        width=WIDTH,
        rows=6000,
        time=0.7,
        stack=SUMMER,
    ),
    Release(
        number=6,
        semver="2.1.0",
        days=56,
        author=SVEN,
        why="Use this week's transactions, as fresh as they come",
        settings=Settings(lr=1e-3, epochs=8, weight_decay=0.05),
        width=WIDTH,
        rows=6000,
        time=0.82,
        stack=SUMMER,
        parent=5,
        arrived=0.25,
    ),
    Release(
        number=7,
        semver="2.1.1",
        days=49,
        author=OLA,
        why="Wait for chargebacks: labels younger than 30 days missed most fraud",
        settings=Settings(lr=1e-3, epochs=8, weight_decay=0.05),
        width=WIDTH,
        rows=6000,
        time=0.88,
        stack=SUMMER,
        parent=5,
    ),
    Release(
        number=8,
        semver="2.2.0",
        days=21,
        author=MIRA,
        why="Focal loss: look at the hard payments",
        settings=Settings(lr=6e-4, epochs=8, weight_decay=0.05, gamma=1.0),
        width=WIDTH,
        rows=7000,
        time=0.94,
        stack=SUMMER,
        parent=7,
    ),
    Release(
        number=9,
        semver="2.3.0",
        days=3,
        author=MIRA,
        why="Back to plain cross-entropy, slower, on torch 2.13",
        settings=Settings(lr=3e-4, epochs=10, weight_decay=0.05),
        width=WIDTH,
        rows=8000,
        time=1.0,
        stack=AUTUMN,
        parent=8,
    ),
)
LOST = 3  # the release whose bytes nobody pushed
HALFWAY = (200, 400, 600)  # steps of the last release's training that were kept


class Calendar:
    """The demo's dates, counted back from `now` (Unix seconds), which is cut to the hour."""

    def __init__(self, now: float) -> None:
        self.now = int(now) // 3600 * 3600

    def ago(self, days: float, minutes: float = 0) -> int:
        """Return the moment so many days ago, plus so many minutes, in Unix seconds."""
        return self.now - round(days * 86_400) + round(minutes * 60)

    def week(self, release: Release) -> str:
        """Return the name of a release's data: `tx-2026w38`."""
        year, week, _ = datetime.fromtimestamp(self.ago(release.days), UTC).isocalendar()
        return f"tx-{year}w{week:02d}"


def released(number: int) -> Release:
    """Return a release by its number."""
    return RELEASES[number - 1]
