"""Comparison of versions over every facet.

`compare(versions)` gives a `lineal.model.diff.Diff`. As JSON (msgspec's encoding; fields at their defaults are there
too), cut to one row for a facet:

    {"versions": ["prod:fraud-scorer@v39", "prod:fraud-scorer@v41"],
     "names": ["v39", "v41"],
     "baseline": 0,
     "sections": [
       {"facet": "metrics", "changed": 2, "total": 6, "note": "", "text": "",
        "rows": [
          {"name": "auc", "changed": true, "severity": 0, "goal": "max", "goal_source": "known name", "note": "",
           "cells": [
             {"value": 0.9371, "verdict": "base", "delta": null, "relative": null, "note": "", "detail": ""},
             {"value": 0.9412, "verdict": "better", "delta": 0.0041, "relative": 0.004375, ...}]}]},
       {"facet": "params", "changed": 2, "total": 18, ...,
        "rows": [{"name": "lr", ...,
          "cells": [{"value": 0.001, "verdict": "base", ...},
                    {"value": 0.0003, "verdict": "changed", "delta": null, "relative": null, "note": "×0.3", ...}]}]},
       {"facet": "environment", "changed": 3, "total": 211, ...,
        "rows": [{"name": "torch", "severity": 3, "note": "", ...,
          "cells": [{"value": "2.12.1+cu131", ...}, {"value": "2.13.0+cu132", "note": "minor, CUDA build", ...}]}]},
       {"facet": "code", "note": "7 commits, 4 files, +212 −31", "text": "diff --git a/train.py b/train.py ...", ...}]}

- `cells` follow `versions`; verdicts are base, same, better, worse, noise, changed, added, removed, absent, and stand
  to the baseline's cell. `delta` (of metrics) is value - baseline, `relative` is delta / |baseline|.
- `value` is the metric, parameter or tag itself; of a package its version; of a data set its digest, else its source;
  of a file its size in bytes (`detail` has the whole digest); of a tensor `dtype [shape]`; of a commit 12 digits.
- `changed` and `total` count all rows, also those left out because they are equal.
- `severity` (0 none to 3 high) ranks rows of the environment only: how likely they are to change what the model does.
"""

from __future__ import annotations

from lineal.diff.code import CodeChange, FileChange
from lineal.diff.compare import LARGEST, compare
from lineal.diff.goals import Goals, GoalSource

__all__ = ["LARGEST", "CodeChange", "FileChange", "GoalSource", "Goals", "compare"]
