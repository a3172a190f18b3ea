"""`python -m tests.oracles [NAME ...]`: build the environments of the foreign tools."""

from __future__ import annotations

import sys

from tests.oracles import NAMES, build, environment

for name in sys.argv[1:] or NAMES:
    print(f"oracle {name}: {environment(name)}", flush=True)
    build(name)
