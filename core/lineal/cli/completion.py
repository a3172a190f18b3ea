"""`lineal completion`: the script that completes verbs, options and versions in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from lineal.cli import output
from lineal.errors import ConfigError

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    Examples:
      lineal completion bash >> ~/.bashrc
      lineal completion zsh > "${fpath[1]}/_lineal"
      lineal completion fish > ~/.config/fish/completions/lineal.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise ConfigError(f"no completion for {shell}", hint=f"there is one for {', '.join(_SHELLS)}")
    output.write(kind(ctx.find_root().command, {}, "lineal", "_LINEAL_COMPLETE").source())
