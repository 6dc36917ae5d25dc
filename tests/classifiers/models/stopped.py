"""A process that puts a model over another, again and again, and is stopped at every point of it.

`python -m tests.classifiers.models.stopped FOLDER` leaves FOLDER/WAY/POINT/m for each way of being
stopped before each change to the disk, and FOLDER/WAY/POINT/status: the exit status, or minus the
signal.
"""

import contextlib
import itertools
import os
import signal
import sys
from pathlib import Path

from classifiers.models.place import model_draft
from pipelines.errors import ModelError

CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir"}

FILES = ("card.json", "model.skops", "history.csv", "confusion.png")

WAYS = ("killed", "interrupted", "overtaken", "met")

KEPT_BESIDE = 3

POINTS = 20
"""More than the changes there are; past the last of them a training ends in peace."""


def write_model_of(text: str, folder: Path) -> None:
    for name in FILES:
        (folder / name).write_text(text)


def put(text: str, folder: Path, *, overwrite: bool = True) -> None:
    with model_draft(folder, overwrite=overwrite) as draft:
        write_model_of(text, draft)


def stop_at(point: int, stop) -> None:
    """Call `stop` before the change to the disk of that number is made."""
    changes = itertools.count()

    def hook(event: str, arguments: tuple) -> None:
        writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (event in CHANGES or writes) and next(changes) == point:
            stop()

    sys.addaudithook(hook)


def train_until(point: int, way: str, folder: Path) -> int:
    def interrupt() -> None:
        raise KeyboardInterrupt

    def meet() -> None:
        with contextlib.suppress(ModelError):
            put("second", folder, overwrite=False)

    stop_at(
        point,
        {
            "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
            "interrupted": interrupt,
            "overtaken": lambda: put("second", folder),
            "met": meet,
        }[way],
    )
    try:
        put("new", folder)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except ModelError:
        return KEPT_BESIDE
    return 0


def main(root: Path) -> None:
    for way, point in itertools.product(WAYS, range(POINTS)):
        folder = root / way / f"{point}" / "m"
        folder.mkdir(parents=True)
        write_model_of("old", folder)
        child = os.fork()
        if not child:
            os._exit(train_until(point, way, folder))
        _, status = os.waitpid(child, 0)
        (folder.parent / "status").write_text(str(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
