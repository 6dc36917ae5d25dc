import subprocess
import sys

import pytest

from pipelines.shards.beam_flags import with_a_worker_a_gpu, workers_here

CLAIM = """
import sys
from pathlib import Path
from pipelines.system.gpus import claim
print(claim(["0", "1"], Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def start(folder):
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_each_worker_process_takes_a_card_of_its_own_and_gives_it_back(tmp_path):
    workers = [start(tmp_path) for _ in range(2)]
    held = [worker.stdout.readline().strip() for worker in workers]
    third = start(tmp_path)
    assert sorted(held) == ["0", "1"]
    assert third.stdout.readline().strip() == "None"
    workers[0].kill()  # however a worker ends
    workers[0].wait()
    fourth = start(tmp_path)
    assert fourth.stdout.readline().strip() == held[0]
    for worker in (workers[1], third, fourth):
        worker.communicate("")
    workers[0].stdin.close()
    workers[0].stdout.close()


@pytest.mark.parametrize(
    ("flags", "cards", "added"),
    [
        ((), 0, False),
        ((), 1, False),
        ((), 4, True),
        (("--direct_num_workers=2",), 4, False),
        (("--runner=FlinkRunner",), 4, False),
        (("--runner", "FlinkRunner"), 4, False),
    ],
)
def test_several_cards_mean_a_process_each(flags, cards, added):
    wanted = (*flags, "--direct_num_workers=4", "--direct_running_mode=multi_processing")
    assert with_a_worker_a_gpu(flags, cards) == (wanted if added else flags)


@pytest.mark.parametrize(
    ("flags", "workers"),
    [
        ((), 1),
        (("--direct_num_workers=3",), 1),  # threads share an engine
        (("--direct_num_workers=3", "--direct_running_mode=multi_threading"), 1),
        (("--direct_num_workers", "3", "--direct_running_mode", "multi_processing"), 3),
    ],
)
def test_processes_share_the_cores(flags, workers):
    assert workers_here(flags) == workers
