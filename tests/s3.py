"""An S3 server on loopback: moto, in a thread of this process."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer


@contextmanager
def moto() -> Iterator[str]:
    """Run a server with the bucket `models`; yield its endpoint."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    try:
        bucket(endpoint, "models")
        yield endpoint
    finally:
        server.stop()


def bucket(endpoint: str, name: str) -> None:
    """Make a bucket."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIATEST",
        aws_secret_access_key="secretsecret",
    )
    client.create_bucket(Bucket=name)
    client.close()
