"""A configuration that cannot be read: the application opens with defaults, says why, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineal.config import Surroundings, load
from lineal.errors import Blocked, ConfigError
from lineal.opening import open_anyway

GOOD = 'theme = "light"\nascii = true\n[registries.prod]\nkind = "mlflow"\nurl = "https://mlflow.example.com"\n'


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    """A workspace in an empty home."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".git").mkdir()
    return Surroundings(tmp_path / "work", tmp_path, {})


def write(around: Surroundings, *, user: str = "", project: str = "") -> None:
    around.config_folder().mkdir(parents=True, exist_ok=True)
    (around.config_folder() / "config.toml").write_text(user)
    (around.cwd / "lineal.toml").write_text(project)


@pytest.mark.parametrize("theme", ["dark", "light", "ansi", "contrast", "colour-blind"])
def test_the_theme_and_ascii_are_settings(around: Surroundings, theme: str) -> None:
    write(around, user=f'theme = "{theme}"\nascii = false\n')
    config = load(around)
    assert (config.theme, config.ascii, config.wrong) == (theme, False, "")
    assert load(Surroundings(around.home, around.cwd, {})).ascii is None


def test_a_theme_that_does_not_exist_is_an_error(around: Surroundings) -> None:
    write(around, user='theme = "mauve"\n')
    with pytest.raises(ConfigError, match="mauve"):
        load(around)


@pytest.mark.parametrize(
    ("user", "project", "named", "registries", "theme"),
    [
        ("theme = ", GOOD, "config.toml", 1, "light"),
        ("[polcy]\n", GOOD, "config.toml", 1, "light"),
        (GOOD, "[registries", "lineal.toml", 1, "light"),
        (GOOD, '[registries."Bad Name"]\nurl = "x"\n', "Bad Name", 1, "light"),
        ("theme = 1", "[registries", "config.toml", 0, ""),
    ],
)
def test_defaults_stand_for_the_file_that_is_broken_and_only_for_it(
    around: Surroundings, user: str, project: str, named: str, registries: int, theme: str
) -> None:
    write(around, user=user, project=project)
    with open_anyway(around=around) as work:
        config = work.config
        assert named in config.wrong
        assert (len(config.registries), config.theme) == (registries, theme)
        with pytest.raises(Blocked, match="configuration cannot be read"):
            work.guard()


def test_a_good_configuration_is_taken_as_it_is(around: Surroundings) -> None:
    write(around, project=GOOD)
    with open_anyway(around=around) as work:
        assert work.config == load(around)
        work.guard()
