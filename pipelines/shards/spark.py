"""What a run on Spark needs here, looked at before any work begins."""

import re
from collections.abc import Sequence

from pipelines.cli import Parser
from pipelines.errors import UsageError
from pipelines.shards.answering import NoAnswerError, require_answer
from pipelines.shards.job_servers import require_jar, require_java

MASTER_PORT, REST_PORT = 7077, 6066
"""Where a standalone Spark listens, for drivers and for submissions over REST."""

_OWN = re.compile(r"local(\[.+\])?")
_SCHEMES = ("spark://", "k8s://", "yarn")


def check_spark(flags: Sequence[str]) -> None:
    """Find out in seconds what Spark would find out after a minute, or tell in pages.

    Args:
        flags: Beam's options as the user gave them; without Spark's runner nothing is looked at.

    Raises:
        UsageError: Java or the job server's jar is not here, or the master is none that Spark
            knows.
        NoAnswerError: no Spark answers at `--spark_master_url`, or at `--spark_rest_url`.
    """
    parser = Parser(add_help=False)
    parser.add_argument("--runner", default="")
    parser.add_argument("--spark_master_url", default="local[4]")
    parser.add_argument("--spark_job_server_jar")
    parser.add_argument("--spark_submit_uber_jar", action="store_true")
    parser.add_argument("--spark_rest_url")
    parser.add_argument("--job_endpoint")
    options, _ = parser.parse_known_args(list(flags))
    if not options.runner.endswith("SparkRunner") or options.job_endpoint is not None:
        return  # another runner, or a job server elsewhere, which knows its Spark
    require_jar("--spark_job_server_jar", options.spark_job_server_jar, "job_server/spark")
    if options.spark_submit_uber_jar:
        if options.spark_rest_url is None:
            raise UsageError("--spark_submit_uber_jar needs --spark_rest_url http://host:6066")
        require_answer("--spark_rest_url", options.spark_rest_url, "Spark", REST_PORT)
        return
    require_java("Spark")
    _check_master(options.spark_master_url)


def _check_master(master: str) -> None:
    if _OWN.fullmatch(master):
        return
    if not master.startswith(_SCHEMES):
        raise UsageError(
            f"--spark_master_url {master} is no master of Spark's; write spark://host:7077, or "
            "local[N] for a Spark of its own with N threads"
        )
    if not master.startswith("spark://"):
        return  # found by settings that Spark alone reads
    refusals: list[NoAnswerError] = []
    for place in master.removeprefix("spark://").split(","):  # several that stand in for another
        try:
            require_answer("--spark_master_url", place, "Spark", MASTER_PORT)
            return
        except NoAnswerError as refusal:
            refusals.append(refusal)
    raise refusals[0]
