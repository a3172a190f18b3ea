"""List a whole store through MLflow's own client; print counts, and the seconds it took without imports.

Usage: mlflow_list.py TRACKING_URI
"""

import json
import sys
import time

from mlflow.tracking import MlflowClient


def pages(fetch, **more):
    """Yield the items of all pages."""
    token = None
    while True:
        page = fetch(page_token=token, **more)
        yield from page
        token = page.token
        if not token:
            return


client = MlflowClient(sys.argv[1], sys.argv[1])
client.search_experiments(max_results=1)  # the first call checks the schema of a database
wall, cpu = time.perf_counter(), time.process_time()
experiments = [found.experiment_id for found in pages(client.search_experiments, max_results=1000)]
models = sum(1 for _ in pages(client.search_registered_models, max_results=1000))
versions = sum(1 for _ in pages(client.search_model_versions, filter_string="", max_results=1000))
runs = sum(1 for _ in pages(client.search_runs, experiment_ids=experiments, max_results=1000))
took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
json.dump({"models": models, "versions": versions, "runs": runs, **took}, sys.stdout)
