"""`python -m bench NAME [args]` runs one bench: a module of this package with `main(argv) -> int`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def names() -> list[str]:
    """Return the benches there are."""
    return sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py") if "def main(" in file.read_text())


def run(argv: list[str]) -> int:
    """Run the bench that is named first with the rest of the arguments."""
    if not argv or argv[0] not in names():
        print(f"usage: python -m bench NAME [args]; NAME is one of: {', '.join(names())}", file=sys.stderr)
        return 2
    return int(import_module(f"bench.{argv[0]}").main(argv[1:]) or 0)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
