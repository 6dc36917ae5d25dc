"""Containers that share a network of their own, as those of a pod do, and reach nothing else."""

import subprocess
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from tests.cluster.images import Images
from tests.cluster.processes import start
from tests.conftest import ROOT

HOLDER = ("unshare", "--net", "--pid", "--fork", "--kill-child", "sh", "-c")
LOOPBACK_ONLY = "ip link set lo up && echo up && exec sleep infinity"


class Pod(AbstractContextManager["Pod"]):
    """Runs commands in containers of images; all of them end with the pod, whatever happens.

    The kernel sees to that: they live in a process namespace whose first process the pod kills.

    Args:
        images: where the images are.
        volumes: folders of this machine by their place in the containers.
    """

    def __init__(self, images: Images, volumes: dict[str, Path]) -> None:
        self._images = images
        self._volumes = volumes
        self._containers: dict[str, str] = {}
        self._going: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Pod":
        self._holder = start([*HOLDER, LOOPBACK_ONLY], stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"up\n"
        of_holder = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        self._first = of_holder.read_text(encoding="utf-8").split()[0]
        return self

    def run(
        self, image: str, *command: str, hidden: dict[str, Path] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end as the image's own user.

        Args:
            image: its name.
            command: as in the image's CMD.
            hidden: places in the container that something else is laid over.
        """
        volumes = {**self._volumes, **(hidden or {})}
        return subprocess.run(
            self._command(image, command, volumes), capture_output=True, text=True, check=False
        )

    def start(self, image: str, *command: str, log: Path) -> "subprocess.Popen[bytes]":
        """Start a command that goes on; what it says goes to a file of this machine."""
        with log.open("wb") as file:
            going = start(self._command(image, command, self._volumes), stdout=file, stderr=file)
        self._going.append(going)
        return going

    def start_beside(self, *command: str, log: Path) -> None:
        """Start a program of this machine, and not of an image, that the containers can reach."""
        with log.open("wb") as file:
            going = start([*self._enter(), *command], stdout=file, stderr=file, cwd=ROOT)
        self._going.append(going)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._holder.kill()
        with self._holder:  # waits for its end, and closes its pipe
            pass
        for process in self._going:  # which ended with the holder's namespace
            process.wait()
        for container in self._containers.values():
            self._images.buildah("rm", container)

    def _command(self, image: str, command: tuple[str, ...], volumes: dict[str, Path]) -> list[str]:
        if image not in self._containers:
            made = self._images.buildah("from", "--pull-never", image).strip()
            self._containers[image] = made
        mounts = [f"--volume={here}:{there}" for there, here in volumes.items()]
        # Beam's servers name themselves by the host's name, which must be one that is reached.
        run = ["run", "--isolation", "chroot", "--hostname", "localhost", *mounts]
        return [
            *self._enter(),
            *self._images.command(*run, self._containers[image], "--", *command),
        ]

    def _enter(self) -> list[str]:
        return ["nsenter", "--target", self._first, "--net", "--pid", "--"]
