"""What a run on Google's Dataflow needs, looked at or filled in before any work begins."""

import re
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from pipelines.cli import Parser
from pipelines.errors import UsageError
from pipelines.images.manifest_files import manifest_suffix
from pipelines.stores.places import is_remote

FILLED = (
    ("--sdk_location", "container"),
    ("--number_of_worker_harness_threads", "1"),
)
"""Their image holds Beam, and one thread hands shards to an engine that uses all cores."""

ONE_PROCESS = "no_use_multiple_sdk_containers"
"""Experiment: one process a worker. By default Dataflow starts one for each core."""

ACCELERATOR = "worker_accelerator="
_CARDS = re.compile(r"type:[a-z0-9-]+;count:[1-9][0-9]*(;[a-z0-9_:.-]+)*")


def is_dataflow(flags: Sequence[str]) -> bool:
    """Whether Beam's options name Dataflow's runner."""
    parser = Parser(add_help=False)
    parser.add_argument("--runner", default="")
    return bool(parser.parse_known_args(list(flags))[0].runner.endswith("DataflowRunner"))


def with_dataflow_defaults(flags: Sequence[str]) -> tuple[str, ...]:
    """Beam's options, with those that workers of ours want on Dataflow and that were not given.

    Args:
        flags: Beam's options as the user gave them; those of other runners are not changed.
    """
    if not is_dataflow(flags):
        return tuple(flags)
    told = {flag.partition("=")[0] for flag in flags}
    missing = [f"{name}={value}" for name, value in FILLED if name not in told]
    if not any("use_multiple_sdk_containers" in flag for flag in flags):
        missing.append(f"--experiments={ONE_PROCESS}")
    return (*flags, *missing)


def check_dataflow(flags: Sequence[str], places: Iterable[tuple[str, str]]) -> None:
    """Refuse what Dataflow, or its workers, would refuse after minutes.

    Args:
        flags: Beam's options; of other runners nothing is looked at.
        places: where the run reads and writes, each after the option that says so.

    Raises:
        UsageError: Google's libraries are not here, a place is on this machine, there is no image
            for the workers, or cards are asked for in words that Dataflow does not know.
    """
    if not is_dataflow(flags):
        return
    parser = Parser(add_help=False)
    parser.add_argument("--sdk_container_image", "--worker_harness_container_image", dest="image")
    parser.add_argument("--dataflow_service_options", action="append", default=[])
    parser.add_argument("--machine_type", "--worker_machine_type", dest="machine")
    options, _ = parser.parse_known_args(list(flags))
    for option, place in places:
        if not is_remote(place) and not _is_list(place):
            raise UsageError(
                f"{option} {place} is on this machine, where Dataflow's workers cannot reach it; "
                "name a place in gs://"
            )
    if options.image is None:
        raise UsageError(
            "Dataflow's workers need --sdk_container_image, the project's image dataflow in a "
            "registry that they can read; docs/container.md says how to build it"
        )
    for service in options.dataflow_service_options:
        _check_cards(service, options.machine)
    if not has_google_libraries():
        raise UsageError(
            "--runner DataflowRunner needs Google's libraries; pip install '.[dataflow]'"
        )


def has_google_libraries() -> bool:
    """Whether what Beam submits to Dataflow with is installed; nothing is imported."""
    try:
        return None not in (find_spec("google.cloud.dataflow_v1beta3"), find_spec("apitools"))
    except ModuleNotFoundError:  # nothing of Google's at all
        return False


def _is_list(place: str) -> bool:
    """Whether a local file may be a manifest, which the submitter alone reads."""
    return bool(manifest_suffix(place)) and Path(place).is_file()


def _check_cards(service: str, machine: str | None) -> None:
    if not service.startswith(ACCELERATOR):
        return
    cards = service.removeprefix(ACCELERATOR)
    if _CARDS.fullmatch(cards) is None:
        raise UsageError(
            f"--dataflow_service_options {service} names no cards; write "
            f"'{ACCELERATOR}type:nvidia-l4;count:1;install-nvidia-driver'"
        )
    if machine is None:
        raise UsageError(
            f"--dataflow_service_options {service} wants --machine_type, of a kind that takes "
            "such cards (g2-standard-8 for nvidia-l4, n1-standard-8 for nvidia-tesla-t4)"
        )
