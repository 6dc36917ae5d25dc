#!/opt/venv/bin/python
"""Health of a trainer: its commands, and every library that they load when needed, import."""

import importlib
import sys

COMMANDS = tuple(f"classifiers.{name}" for name in ("train", "evaluate", "predict", "report"))
LIBRARIES = ("keras", "matplotlib.pyplot", "ncnn", "openvino", "sklearn", "skops.io", "tensorflow")

for module in (*COMMANDS, *LIBRARIES):
    try:
        importlib.import_module(module)
    except Exception as error:  # a native library that is broken raises many kinds
        sys.exit(f"{module} cannot be imported: {error}")
