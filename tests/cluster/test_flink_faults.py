"""Parts of a cluster die in the middle of a run; the table ends the same every time."""

import random

import pytest

from pipelines.table.feature_table import FeatureTable
from tests.cluster.flink import FlinkCluster
from tests.cluster.runs import CHEAP, Submission, submit
from tests.faults.commands import content

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.timeout(1800)]

SHARDS = ("--shard_size", "8")
NUMBER_OF_SHARDS = 51
VICTIMS = ("taskmanager", "pool", "job server", "submitter")


@pytest.mark.parametrize("seed", range(len(VICTIMS)))
def test_a_killed_part_loses_and_doubles_no_row(cluster, four_hundred, reference, tmp_path, seed):
    random_of_seed = random.Random(seed)
    victim = VICTIMS[seed]
    files = random_of_seed.randint(1, 30)
    table, flags = tmp_path / "features", [*CHEAP, *SHARDS, *cluster.flags()]
    submission = Submission(four_hundred, table, flags)
    submission.wait_for_files(files)
    strike(victim, random_of_seed.randrange(cluster.workers), cluster, submission)
    if victim == "submitter":
        survived = False
    else:
        second_attempts = submission.most_files() - NUMBER_OF_SHARDS
        ended = submission.end()
        assert ended.status in (0, 1), ended.err
        assert "Traceback" not in ended.err, ended.err
        survived = ended.status == 0
        assert survived or "error: extraction failed: " in ended.err.splitlines()[-1]
        if victim in ("taskmanager", "pool"):
            assert survived
            print(f"\n{second_attempts} of {files} or more finished shards extracted again")
            # Workers that stay may finish what they are at while Flink restarts the job.
            assert second_attempts <= cluster.workers
    print(f"\nseed {seed}: {victim} killed after {files} of 51 shards, survived: {survived}")
    if not survived:
        # What is left of the first job may still run: the second one must bear with it.
        submit(four_hundred, table, flags)
    assert content(table).equals(reference)
    again = submit(four_hundred, table, CHEAP)
    assert (again.result["written"], again.result["present"]) == (0, 400)
    cluster.wait(lambda: not cluster.running_jobs(), 120)
    assert content(table).equals(reference)


def strike(victim: str, number: int, cluster: FlinkCluster, submission: Submission) -> None:
    """Kill something; what a cluster would start again is started again."""
    if victim == "taskmanager":
        cluster.kill(f"taskmanager{number}")
        cluster.start_taskmanager(number)
    elif victim == "pool":
        cluster.kill(f"pool{number}")
        cluster.start_pool(number)
    elif victim == "job server":
        submission.kill_job_server()
    else:
        submission.kill()


def test_a_cancelled_job_is_taken_up_again(cluster, four_hundred, reference, tmp_path):
    table, flags = tmp_path / "features", [*CHEAP, *SHARDS, *cluster.flags()]
    submission = Submission(four_hundred, table, flags)
    submission.wait_for_files(5)
    (job,) = cluster.running_jobs()
    cluster.cancel(job)
    ended = submission.end()
    assert ended.status == 1
    assert "Job was cancelled" in ended.err.splitlines()[-1]
    assert not FeatureTable.open_if_exists(str(table))
    resumed = submit(four_hundred, table, flags)
    assert "finished by an earlier run" in resumed.err
    assert content(table).equals(reference)


def test_a_submitter_that_is_told_to_end_takes_its_job_along(cluster, four_hundred, tmp_path):
    flags = [*CHEAP, *SHARDS, *cluster.flags()]
    submission = Submission(four_hundred, tmp_path / "features", flags)
    submission.wait_for_files(3)
    (job,) = cluster.running_jobs()
    submission.stop()
    assert submission.end().status == 128 + 15
    cluster.wait(lambda: cluster.get(f"/jobs/{job}")["state"] == "CANCELED", 30)


def test_a_worker_killed_in_the_second_part_leaves_the_first_right(
    cluster, four_hundred, reference, tmp_path
):
    table = tmp_path / "features"
    flags = [*CHEAP, *SHARDS, "--commit_every", "200", *cluster.flags()]
    submission = Submission(four_hundred, table, flags)
    submission.wait_for_files(25 + 3)
    assert FeatureTable.open(str(table)).keys().num_rows == 200
    cluster.kill("taskmanager1")
    cluster.start_taskmanager(1)
    ended = submission.end()
    if ended.status:
        submit(four_hundred, table, flags)
    assert content(table).equals(reference)


def test_a_jobmanager_that_is_lost_takes_its_job_along(cluster, four_hundred, reference, tmp_path):
    """Without high availability, as in the manifests: a submission fails, the next one goes on."""
    table, flags = tmp_path / "features", [*CHEAP, *SHARDS, *cluster.flags()]
    submission = Submission(four_hundred, table, flags)
    submission.wait_for_files(5)
    cluster.kill("jobmanager")
    try:
        ended = submission.end()
    finally:
        cluster.start_jobmanager()
        cluster.wait(lambda: cluster.get("/overview")["slots-available"] == cluster.workers, 120)
    assert ended.status == 1
    assert ended.err.splitlines()[-1].startswith("error: extraction failed: ")
    submit(four_hundred, table, flags)
    assert content(table).equals(reference)
