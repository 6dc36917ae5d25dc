"""What a run on Flink needs here, looked at before any work begins; and calling its job off."""

import json
import time
import urllib.request
from collections.abc import Sequence

from pipelines.cli import Parser
from pipelines.shards.answering import ANSWER_SECONDS, require_answer
from pipelines.shards.job_servers import require_jar, require_java

REST_PORT = 8081
"""Where Flink's REST interface listens unless it is told otherwise."""

CANCEL_TRIES, CANCEL_PAUSE = 3, 1.5
"""A job that was just submitted shows after a moment; the pause is in seconds."""


def check_flink(flags: Sequence[str]) -> None:
    """Find out in seconds what Beam's job server would find out in minutes, or tell in pages.

    Args:
        flags: Beam's options as the user gave them; without Flink's runner nothing is looked at.

    Raises:
        UsageError: Java or the job server's jar is not here.
        NoAnswerError: no Flink answers at `--flink_master`.
    """
    parser = Parser(add_help=False)
    parser.add_argument("--runner", default="")
    parser.add_argument("--flink_master", default="[auto]")
    parser.add_argument("--flink_job_server_jar")
    parser.add_argument("--flink_submit_uber_jar", action="store_true")
    parser.add_argument("--job_endpoint")
    options, _ = parser.parse_known_args(list(flags))
    if not options.runner.endswith("FlinkRunner") or options.job_endpoint is not None:
        return  # another runner, or a job server elsewhere, which knows its Flink
    if not options.flink_submit_uber_jar:
        require_java("Flink")
    require_jar("--flink_job_server_jar", options.flink_job_server_jar, "job_server")
    if not options.flink_master.startswith("["):  # [local] and [auto] start a Flink of their own
        require_answer("--flink_master", options.flink_master, "Flink", REST_PORT)


def cancel_jobs(master: str, name: str) -> None:
    """End the jobs of a name that have not ended.

    Asked of Flink itself: Beam's job server answers that a job is cancelled, and lets it run.

    Args:
        master: host and port of Flink's REST interface, with or without "http://".
        name: of the jobs.

    Raises:
        OSError: Flink does not answer.
    """
    root = _url(master).rstrip("/")
    for _ in range(CANCEL_TRIES):
        with urllib.request.urlopen(f"{root}/jobs/overview", timeout=ANSWER_SECONDS) as answer:
            jobs = json.load(answer)["jobs"]
        running = [job for job in jobs if job["name"] == name and job["end-time"] < 0]
        for job in running:
            url = f"{root}/jobs/{job['jid']}?mode=cancel"
            request = urllib.request.Request(url, method="PATCH")
            urllib.request.urlopen(request, timeout=ANSWER_SECONDS).close()
        if any(job["name"] == name for job in jobs):
            return
        time.sleep(CANCEL_PAUSE)  # it may be on its way


def _url(master: str) -> str:
    return master if "://" in master else f"http://{master}"
