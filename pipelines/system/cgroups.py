"""The control groups that a process is in, which say how much of its machine it may use."""

from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def settings(controller: str, unified: str, legacy: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield what a controller's files say, from the process's own group up to the mounted root.

    Every group above has its say: the least limit counts.

    Args:
        controller: its name in version 1 of control groups, where it has a tree of its own.
        unified: its file in version 2; its words are yielded.
        legacy: its files in version 1; one word of each is yielded.
    """
    for folder, version in _groups(controller):
        names = (unified,) if version == 2 else legacy
        try:
            texts = [(folder / name).read_text(encoding="ascii") for name in names]
        except OSError:
            continue
        yield tuple(word for text in texts for word in text.split())


def _groups(controller: str) -> Iterator[tuple[Path, int]]:
    try:
        lines = MEMBERSHIP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, version = GROUPS, 2
        elif controller in controllers.split(","):
            top, version = GROUPS / controller, 1
        else:
            continue
        own = top / path.strip("/")
        # In a container the path may be that of the host, which is not mounted.
        for folder in (own, *own.parents):
            yield folder, version
            if folder == top:
                break
