#!/opt/venv/bin/python
"""Health of a worker: its pool answers a call on port 50000."""

import sys

import grpc

POOL = "localhost:50000"
# Stopping a worker that does not exist changes nothing, and only the pool itself can answer it.
CALL = "/org.apache.beam.model.fn_execution.v1.BeamFnExternalWorkerPool/StopWorker"

with grpc.insecure_channel(POOL, options=[("grpc.enable_http_proxy", 0)]) as channel:
    try:
        channel.unary_unary(CALL)(b"", timeout=5)
    except grpc.RpcError as error:
        sys.exit(f"no worker pool answers on {POOL}: {error.code().name}")
