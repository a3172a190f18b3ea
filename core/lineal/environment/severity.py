"""How likely a change of an environment is to change what a model does.

The ranks are judgements, in one place so that they can be argued about:

| what changed                                   | major, added, removed | minor  | patch, stage | build |
|------------------------------------------------|-----------------------|--------|--------------|-------|
| engine: what computes (torch, jax, nccl, ...)  | high                  | high   | medium       | high  |
| library: shapes data or model (transformers)   | high                  | medium | low          | medium|
| any other package                              | medium                | low    | low          | low   |
| tooling (rich, pytest, ruff)                   | none                  | none   | none         | none  |

Of a release 0.x the second number counts as the first: that is where such projects break things.
"""

from __future__ import annotations

from enum import StrEnum

from lineal.environment.releases import Distance, Step, parse
from lineal.model.diff import Severity


class Trade(StrEnum):
    """What a package is for, as far as a model's behaviour depends on it."""

    ENGINE = "engine"
    LIBRARY = "library"
    OTHER = "other"
    TOOLING = "tooling"


class Fact(StrEnum):
    """What an environment records beside its packages; the value is the name of the row."""

    PYTHON = "python"
    CUDA = "cuda"
    CUDNN = "cudnn"
    DRIVER = "driver"
    GPUS = "gpus"
    OS = "os"
    CPU = "cpu"
    MEMORY = "memory"
    IMAGE = "image"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENGINES = _words(
    "torch torchvision torchaudio jax jaxlib tensorflow tensorflow-cpu tensorflow-gpu tf-nightly keras mxnet "
    "paddlepaddle paddlepaddle-gpu mindspore xgboost lightgbm catboost scikit-learn onnxruntime onnxruntime-gpu "
    "tensorrt openvino triton flash-attn xformers bitsandbytes deepspeed transformer-engine apex cupy vllm llama- "
    "cpp-python ctranslate2 torch-xla mlx tinygrad libtorch pytorch pytorch-cuda cudatoolkit cudnn nccl mkl "
    "openblas"
)
_ENGINE_PREFIXES = ("nvidia-cu", "nvidia-nccl", "nvidia-nvjitlink", "cupy-cuda", "jax-cuda", "tensorrt-")
_LIBRARIES = _words(
    "numpy scipy pandas polars pyarrow numba transformers tokenizers sentencepiece tiktoken datasets accelerate "
    "peft trl diffusers timm safetensors huggingface-hub lightning pytorch-lightning torchmetrics torchdata "
    "torchtext fairseq sentence-transformers spacy nltk gensim flax optax orbax-checkpoint chex haiku dm-haiku "
    "equinox tensorflow-datasets tensorflow-text keras-hub ml-dtypes einops albumentations opencv-python opencv- "
    "python-headless pillow scikit-image imageio librosa soundfile statsmodels sympy imbalanced-learn feature- "
    "engine category-encoders ray torchao optimum auto-gptq autoawq gguf onnx onnxscript skl2onnx tf2onnx monai "
    "ultralytics detectron2 mmcv kornia pytorch3d dgl torch-geometric gymnasium stable-baselines3 evaluate rouge- "
    "score sacrebleu unsloth webdataset h5py zarr"
)
_TOOLING = _words(
    "rich textual pytest ruff black mypy pyright isort flake8 pylint autopep8 yapf pre-commit tox nox coverage "
    "hypothesis ipython ipykernel ipywidgets notebook jupyter jupyterlab jupyter-client jupyter-core jupyter- "
    "server nbconvert nbformat tqdm click typer colorama pygments prompt-toolkit pip wheel virtualenv uv poetry "
    "pipx build twine sphinx mkdocs mkdocs-material matplotlib seaborn plotly bokeh altair plotext debugpy pdbpp "
    "ipdb gitpython gitdb smmap sentry-sdk tabulate termcolor humanize loguru watchdog docutils jinja2 markupsafe "
    "markdown-it-py mdurl pluggy iniconfig execnet identify cfgv nodeenv distlib filelock platformdirs tomlkit "
    "pathspec mypy-extensions typing-extensions"
)
_TOOLING_PREFIXES = ("pytest-", "types-", "sphinx-", "sphinxcontrib-", "mkdocs-", "flake8-", "jupyter-", "jupyterlab-")

_RANKS = {
    Trade.ENGINE: (Severity.HIGH, Severity.HIGH, Severity.MEDIUM, Severity.HIGH),
    Trade.LIBRARY: (Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.MEDIUM),
    Trade.OTHER: (Severity.MEDIUM, Severity.LOW, Severity.LOW, Severity.LOW),
    Trade.TOOLING: (Severity.NONE,) * 4,
}
_COLUMN = {Step.MAJOR: 0, Step.OTHER: 0, Step.MINOR: 1, Step.PATCH: 2, Step.STAGE: 2, Step.BUILD: 3}
_FACTS = {
    Fact.PYTHON: (Severity.HIGH, Severity.MEDIUM, Severity.LOW),
    Fact.CUDA: (Severity.HIGH, Severity.MEDIUM, Severity.LOW),
    Fact.CUDNN: (Severity.HIGH, Severity.MEDIUM, Severity.LOW),
    Fact.DRIVER: (Severity.MEDIUM, Severity.LOW, Severity.LOW),
    Fact.GPUS: (Severity.HIGH,) * 3,  # another device rounds otherwise
    Fact.OS: (Severity.LOW,) * 3,
    Fact.CPU: (Severity.LOW,) * 3,
    Fact.MEMORY: (Severity.LOW,) * 3,
    Fact.IMAGE: (Severity.MEDIUM,) * 3,
}
_NUMERIC_VARIABLES = (
    *("CUBLAS_", "CUDA_LAUNCH", "CUDNN_", "NVIDIA_TF32", "PYTHONHASHSEED"),
    *("TF_", "TORCH_", "PYTORCH_", "XLA_", "JAX_"),
)
_PLACING_VARIABLES = ("CUDA_", "NCCL_", "OMP_", "MKL_", "OPENBLAS_", "WORLD_SIZE", "HIP_", "ROCR_")


def trade(package: str) -> Trade:
    """Return what the package of that normalised name (PEP 503) is for."""
    if package in _ENGINES or package.startswith(_ENGINE_PREFIXES):
        return Trade.ENGINE
    if package in _LIBRARIES:
        return Trade.LIBRARY
    if package in _TOOLING or package.startswith(_TOOLING_PREFIXES):
        return Trade.TOOLING
    return Trade.OTHER


def of_package(package: str, before: str | None, after: str | None, change: Distance) -> Severity:
    """Rank the change of a package from version `before` to `after`; None stands for not installed."""
    ranks = _RANKS[trade(package)]
    if before is None or after is None:
        return ranks[0]
    rank = ranks[_column(before, after, change)] if change.step is not Step.NONE else Severity.NONE
    return max(rank, ranks[3]) if change.build else rank


def _column(before: str, after: str, change: Distance) -> int:
    column = _COLUMN[change.step]
    if change.step in (Step.MINOR, Step.PATCH) and _unsettled(before) and _unsettled(after):
        return column - 1
    return column


def _unsettled(version: str) -> bool:
    release = parse(version)
    return release is not None and release.numbers[0] == 0


def of_fact(fact: Fact, change: Distance) -> Severity:
    """Rank the change of what lies under the packages: Python, CUDA, driver, devices, system."""
    return _FACTS[fact][min(_COLUMN.get(change.step, 2), 2)]


def of_variable(name: str) -> Severity:
    """Rank the change of an environment variable: those that choose numerics first, then those that choose devices."""
    if name.startswith(_NUMERIC_VARIABLES):
        return Severity.HIGH
    return Severity.MEDIUM if name.startswith(_PLACING_VARIABLES) else Severity.LOW
