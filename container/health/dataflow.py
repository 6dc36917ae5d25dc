#!/opt/venv/bin/python
"""Health of what runs on Dataflow and submits to it: commands, Beam's runner and harness import."""

import importlib
import sys

MODULES = (
    "apache_beam.runners.dataflow.internal.apiclient",
    "apache_beam.runners.worker.sdk_worker_main",
    "google.cloud.dataflow_v1beta3",
    "google.cloud.storage",
    "pipelines.extract",
    "pipelines.verify",
)

for module in MODULES:
    try:
        importlib.import_module(module)
    except Exception as error:  # a native library that is broken raises many kinds
        sys.exit(f"{module} cannot be imported: {error}")
