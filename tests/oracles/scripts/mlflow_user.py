"""Register one version at a server with basic authentication, and make a user who may read it.

Usage: mlflow_user.py TRACKING_URI NAME PASSWORD
"""

import sys

from mlflow.server.auth.client import AuthServiceClient
from mlflow.tracking import MlflowClient

client = MlflowClient(sys.argv[1], sys.argv[1])
client.create_registered_model("guarded")
client.create_model_version("guarded", "s3://bucket/model")
AuthServiceClient(sys.argv[1]).create_user(sys.argv[2], sys.argv[3])
