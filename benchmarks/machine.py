"""Which machine and which libraries gave a figure, without which it says nothing."""

import os
import platform
from pathlib import Path
from typing import Any

from pipelines.system.versions import installed_versions

PACKAGES = (
    "frozen-features",
    "tensorflow",
    "keras",
    "jax",
    "torch",
    "onnxruntime",
    "openvino",
    "ncnn",
    "apache-beam",
    "scikit-learn",
    "numpy",
    "pillow",
    "pyarrow",
    "deltalake",
)


def machine_facts() -> dict[str, Any]:
    """Processor, cores this process may use, memory, how busy it is, system and versions."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_of_15_minutes": round(os.getloadavg()[2], 2),
        "system": platform.platform(),
        "versions": {"python": platform.python_version(), **installed_versions(PACKAGES)},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
