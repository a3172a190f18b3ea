"""`python -m lineal`: the same as the `lineal` command."""

from __future__ import annotations

import sys

from lineal.cli import main

if __name__ == "__main__":
    sys.exit(main())
