import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import ROOT

STARTS_ONE = """
from tests.cluster.processes import start
import time
print(start(["sleep", "600"]).pid, flush=True)
time.sleep(600)
"""


def test_a_process_ends_with_tests_that_are_killed():
    tests = subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    pid = int(tests.stdout.readline())
    assert runs(pid)
    tests.kill()
    tests.communicate()
    until = time.monotonic() + 10
    while runs(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not runs(pid)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
