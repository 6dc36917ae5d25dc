"""What a commit says of the run that made it."""

import getpass
import os
import platform
from dataclasses import asdict
from typing import Any

from pipelines.engines.race_results import Choice
from pipelines.images.at_location import root_of
from pipelines.images.roots import sign_root
from pipelines.planning.run import Run
from pipelines.shards.counters import Counted
from pipelines.system.versions import installed_versions

MEASURED_FROM = 200
"""Images extracted from which a run's rate tells something of the next one's."""

RECORDED_PACKAGES = (
    "frozen-features",
    "tensorflow",
    "keras",
    "openvino",
    "ncnn",
    "onnxruntime",
    "apache-beam",
    "pyarrow",
    "deltalake",
    "pillow",
)


def run_record(
    run: Run, choice: Choice | None, extract_seconds: float, counted: Counted
) -> dict[str, Any]:
    """The record of a run so far.

    Args:
        run: the run.
        choice: its engine; None when nothing was extracted.
        extract_seconds: from the first shard's start to the last one's end.
        counted: by its workers.
    """
    measured = {} if run.difference is None else {"int8_difference": run.difference.as_json()}
    rate = counted.images_per_second if counted.images >= MEASURED_FROM else None
    return {
        "run": run.id,
        "who": f"{_user()}@{platform.node()}",
        "input": asdict(sign_root(root_of(run.job.input, run.job.input_root))),
        "engine": None if choice is None else choice.engine,
        "choice": None if choice is None else asdict(choice),
        "waits": asdict(counted.waits),
        "contract_id": run.contract.contract_id,
        **measured,
        "extract_seconds": round(extract_seconds, 3),
        "images_per_second": None if rate is None else round(rate, 3),
        "versions": {"python": platform.python_version(), **installed_versions(RECORDED_PACKAGES)},
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number and no name
        return str(os.getuid())
