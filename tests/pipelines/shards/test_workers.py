"""Worker processes that die end the run, and those whose parent dies end with it."""

import signal
import subprocess
import sys

import pytest

from pipelines.shards.beam import load_beam
from pipelines.system.lifeline import lifeline
from tests.processes import end_soon

load_beam()  # quietly, before the next import does it

from pipelines.shards.workers import Crew, WorkerDiedError, how_it_ended  # noqa: E402


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (-signal.SIGKILL, "was ended by SIGKILL, as the system does when memory is short"),
        (-signal.SIGSEGV, "was ended by SIGSEGV"),
        (-40, "was ended by signal 40"),
        (0, "ended with status 0"),
        (3, "ended with status 3"),
    ],
)
def test_how_a_process_ended_in_words(status, said):
    assert how_it_ended(7, status) == f"worker process 7 {said}"


class Worker:
    def __init__(self) -> None:
        self.killed, self.answered = False, None

    def kill(self) -> None:
        self.killed = True

    def answer_no_more(self, error: WorkerDiedError) -> None:
        assert self.killed
        self.answered = error


def test_one_death_ends_all_and_the_first_is_told():
    crew, workers = Crew(), [Worker(), Worker()]
    for worker in workers:
        crew.add(worker)
    first, second = WorkerDiedError("first"), WorkerDiedError("second")
    crew.fail(first)
    crew.fail(second)  # the others die of it
    assert crew.error is first
    assert [worker.answered for worker in workers] == [first, first]


CHILD = """
import os, time
from pipelines.system.lifeline import end_with_parent
end_with_parent()
print("ready", flush=True)
time.sleep(60)
"""
PARENT = """
import os, subprocess, sys, time
from pipelines.system.lifeline import lifeline
from tests.processes import end_soon
with lifeline() as stdin:
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=stdin)
    print(child.pid, flush=True)
    child.wait()
"""


def test_a_child_on_a_lifeline_ends_with_its_parent_even_if_that_is_killed():
    command = [sys.executable, "-c", PARENT, CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        assert parent.stdout.readline() == "ready\n"
        parent.kill()
    assert end_soon([child])


def test_a_child_on_a_lifeline_ends_when_it_is_cut():
    command = [sys.executable, "-c", CHILD]
    with lifeline() as stdin:
        child = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, text=True)
        assert child.stdout.readline() == "ready\n"
        assert child.poll() is None
    assert child.wait(20) == 1
    child.stdout.close()
