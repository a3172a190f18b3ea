"""Environment files say which packages, whatever their dialect."""

from __future__ import annotations

import pytest

from lineal.errors import BadFormat
from lineal.formats import requirements
from lineal.model.version import Package


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("torch==2.13.0+cu132", Package("torch", "2.13.0+cu132")),
        ("Flask_Login [x,y] >= 1.0 , <2 ; python_version < '3.9'  # why", Package("flask-login", ">=1.0,<2")),
        ("a === 1.0 --hash=sha256:00 \\\n   --hash=sha256:11", Package("a", "1.0")),
        ("b @ https://user:pw@host/b.whl ; extra == 'x'", Package("b", "https://host/b.whl")),
        ("-e git+https://u:p@host/c.git@v1#egg=C.D", Package("c-d", "git+https://host/c.git@v1")),
        ("d==1.*", Package("d", "==1.*")),
        ("e ~= 1.4", Package("e", "~=1.4")),
        ("f (>=2)", Package("f", ">=2")),
        ("\ufeffg", Package("g", "")),
    ],
)
def test_a_requirement(line: str, expected: Package) -> None:
    assert requirements.parse_requirements(line) == (expected,)


@pytest.mark.parametrize(
    "line", ["", "# x", "-r other.txt", "--index-url https://u:p@h/", "./wheel.whl", "https://h/x.whl"]
)
def test_a_line_that_names_no_package(line: str) -> None:
    assert requirements.parse_requirements(line) == ()


def test_a_conda_environment_with_its_pip_part() -> None:
    text = """
name: x
dependencies:
- python=3.10
- conda-forge::numpy=1.26.4=py310_0
- pytorch-cuda==12.4
- pip<=23
- pip: [mlflow==2.22.1, NumPy==2.0]
"""
    found = requirements.parse_conda(text)
    assert (found.python, found.cuda) == ("3.10", "12.4")
    assert {package.name: package.version for package in found.packages} == {
        "numpy": "2.0",
        "pytorch-cuda": "12.4",
        "pip": "<=23",
        "mlflow": "2.22.1",
    }


def test_mlflows_python_env() -> None:
    found = requirements.parse_python_env("python: 3.10\nbuild_dependencies: [pip==23.1]\ndependencies: [-r r.txt]")
    assert (found.python, found.packages) == ("3.10", (Package("pip", "23.1"),))


@pytest.mark.parametrize(
    ("lines", "cuda", "cudnn"),
    [
        ("torch==2.5.1+cu124", "12.4", ""),
        ("torch==2.5.1+cpu", "", ""),
        ("torch==2.5.1\nnvidia-cuda-runtime-cu12==12.4.127\nnvidia-cudnn-cu12==9.1.0.70", "12.4.127", "9.1.0.70"),
    ],
)
def test_cuda_is_told_from_the_packages_that_carry_it(lines: str, cuda: str, cudnn: str) -> None:
    found = requirements.environment(requirements.parse_requirements(lines))
    assert (found.cuda, found.cudnn) == (cuda, cudnn)


def test_of_two_environments_the_second_wins() -> None:
    first = requirements.environment((Package("a", "1"), Package("b", "1")), "3.10", ("x",))
    second = requirements.environment((Package("b", "2"),), "", ("y",))
    merged = requirements.merge(first, second)
    assert (merged.packages, merged.python, merged.sources) == (
        (Package("a", "1"), Package("b", "2")),
        "3.10",
        ("x", "y"),
    )


@pytest.mark.parametrize("data", ["- a list", "dependencies: [", b"\xff", ""])
def test_what_is_no_environment_file_is_refused(data: str | bytes) -> None:
    with pytest.raises(BadFormat):
        requirements.parse_conda(data)


def test_a_very_long_file_is_refused() -> None:
    with pytest.raises(BadFormat):
        requirements.parse_requirements("a" * (requirements.LIMIT + 1))
    with pytest.raises(BadFormat):
        requirements.parse_requirements("\n".join(f"p{n}" for n in range(requirements.MAX_PACKAGES + 1)))
