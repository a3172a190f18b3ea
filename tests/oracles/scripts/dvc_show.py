"""What DVC and GTO say of a repository, and how long each took: `dvc_show.py REPO WHAT...`; JSON out.

WHAT is one of `exp`, `metrics`, `params` or `gto`. Only the answer is timed, not the start of the interpreter.
"""

from __future__ import annotations

import json
import os
import sys
import time


def experiments() -> object:
    from dvc.repo import Repo

    found = Repo(".").experiments.show(all_branches=True, all_tags=True, all_commits=ALL, force=True)
    return [json.loads(json.dumps(exp.dumpd(), default=repr)) for exp in found]


def metrics() -> object:
    from dvc.repo import Repo

    found = Repo(".").metrics.show(all_branches=True, all_tags=True, all_commits=ALL)
    return json.loads(json.dumps(found, default=repr))


def params() -> object:
    from dvc.repo import Repo

    found = Repo(".").params.show(all_branches=True, all_tags=True, all_commits=ALL)
    return json.loads(json.dumps(found, default=repr))


def gto() -> object:
    from gto.api import show

    return json.loads(json.dumps(show("."), default=str))


ALL = True
SAYS = {"exp": experiments, "metrics": metrics, "params": params, "gto": gto}

os.chdir(sys.argv[1])
answers = {}
for what in sys.argv[2:]:
    wall, cpu = time.perf_counter(), time.process_time()
    said = SAYS[what]()
    answers[what] = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "said": said}
print(json.dumps(answers))
