"""What the tests run in containers, and what they wait for."""

import time
from collections.abc import Callable

USER = 10001
WEIGHTS = "vgg16.weights.h5"
SMALL = "--image_size=32", f"--weights=/weights/{WEIGHTS}"


def extract(table: str) -> tuple[str, ...]:
    command = ("python", "-m", "pipelines.extract", "--input=/data/images")
    return (*command, f"--table=/data/{table}", *SMALL)


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.5)
    return False
