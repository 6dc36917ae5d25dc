"""What Beam's options ask of a runner, looked at before anything is listed or loaded."""

import difflib
from collections.abc import Sequence

from pipelines.cli import Parser, log
from pipelines.errors import UsageError
from pipelines.shards.answering import require_answer
from pipelines.shards.beam import load_beam
from pipelines.shards.beam_flags import LOCAL_RUNNER, OF_JOB_SERVERS
from pipelines.system.offline import VARIABLE, is_offline

LOCAL = (LOCAL_RUNNER, "DirectRunner", "BundleBasedDirectRunner", "SwitchingDirectRunner")

FETCHED = {
    "FlinkRunner": ("Beam's job server for Flink", "flink_job_server_jar"),
    "SparkRunner": ("Beam's job server for Spark", "spark_job_server_jar"),
    "PrismRunner": ("Prism", "prism_location"),
    "DirectRunner": ("Prism", "prism_location"),
    "SwitchingDirectRunner": ("Prism", "prism_location"),
}
"""What Beam fetches for a runner, and the option that names it where it is there already."""

SHARED = frozenset(
    {"--parallelism", "--default_sdk_harness_log_level", "--sdk_harness_log_level_overrides"}
)
"""Options of one runner's class that others look at too."""


def check_runner(flags: Sequence[str]) -> None:
    """Refuse a runner that there is not, or that cannot be reached or lacks an option.

    Options that have no effect on the runner are named.

    Args:
        flags: Beam's options as the user gave them; without any nothing is looked at.

    Raises:
        UsageError: there is no such runner, or it wants other options.
        NoAnswerError: nobody answers at `--job_endpoint`.
    """
    if not flags:
        return
    parser = Parser(add_help=False)
    parser.add_argument("--runner", default=LOCAL_RUNNER)
    parser.add_argument("--job_endpoint")
    options, _ = parser.parse_known_args(list(flags))
    _check_name(options.runner)
    _name_idle(flags, options.runner)
    if is_offline() and options.job_endpoint is None:
        _check_nothing_is_fetched(flags, options.runner)
    if options.runner not in LOCAL and options.job_endpoint not in (None, "embed"):
        require_answer("--job_endpoint", options.job_endpoint, "job server")
    if options.runner.endswith("DataflowRunner"):
        _check_options(flags, options.runner)


def _check_nothing_is_fetched(flags: Sequence[str], runner: str) -> None:
    program, option = FETCHED.get(runner.rpartition(".")[2], ("", ""))
    if not option:
        return
    parser = Parser(add_help=False)
    parser.add_argument(f"--{option}", dest="place")
    place = parser.parse_known_args(list(flags))[0].place
    if place is not None and "://" not in place:
        return
    raise UsageError(
        f"--runner {runner} would fetch {program}, which {VARIABLE} forbids; "
        f"name a file with --{option}"
    )


def _check_name(name: str) -> None:
    load_beam()
    from apache_beam.runners.runner import create_runner

    try:
        found = type(create_runner(name)).__name__
    except ValueError as error:
        known = str(error).partition("Valid values are ")[2].partition(" and the fully")[0]
        names = [each.strip(" .") for each in known.replace(" and ", ",").split(",")]
        meant = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {meant[0]}?" if meant else f"Beam has {', '.join(names)}"
        raise UsageError(f"no --runner {name}; {hint}") from error
    except (ImportError, AttributeError) as error:
        raise UsageError(f"--runner {name} cannot be loaded: {error}") from error
    if found.lower() == name.lower() and found != name:
        raise UsageError(f"--runner {name} is spelled {found}")


def _name_idle(flags: Sequence[str], runner: str) -> None:
    """Say which options the runner does not look at."""
    from apache_beam.options import pipeline_options as beam

    given = [flag.partition("=")[0] for flag in flags if flag.startswith("--")]
    own = [
        (beam.DirectOptions, runner in LOCAL),
        (beam.FlinkRunnerOptions, runner.endswith("FlinkRunner")),
        (beam.SparkRunnerOptions, runner.endswith("SparkRunner")),
        (beam.WorkerOptions, runner.endswith("DataflowRunner")),
    ]
    for kind, used in own:
        parser = Parser(add_help=False)
        kind._add_argparse_args(parser)
        names = {name for action in parser._actions for name in action.option_strings}
        if kind is beam.FlinkRunnerOptions:
            names.update(OF_JOB_SERVERS)
        idle = [name for name in given if name in names and name not in SHARED]
        if idle and not used:
            log(f"{', '.join(idle)} has no effect on {runner}")


def _check_options(flags: Sequence[str], runner: str) -> None:
    from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
    from apache_beam.runners.runner import create_runner

    # Without a dry run Beam would ask the buckets, for minutes where no network is.
    options = PipelineOptions([*flags, "--dry_run=True"])
    validator = PipelineOptionsValidator(options, create_runner(runner))
    cloud = options.view_as(GoogleCloudOptions)
    names = ("temp_location", "staging_location")
    places = [validator.validate_gcs_path(cloud, name) for name in names]
    if all(places):  # Beam's own check would make a bucket in the user's project
        complaints = [*places[0], *places[1], *validator.validate_cloud_options(cloud)]
    else:
        complaints = validator.validate()
    if complaints:
        said = "; ".join(complaint.strip(" .") for complaint in complaints)
        raise UsageError(f"--runner {runner}: {said}")
