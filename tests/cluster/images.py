"""Images built by buildah, in a folder of their own: no daemon, no registry."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.tools import TOOLS, program

BUILD = ("--isolation", "chroot", "--format", "docker", "--pull-never", "--quiet")
"""Docker's format, since OCI's has no health command."""


class Images:
    """Images and their containers; `remove` deletes them all.

    Args:
        folder: where they are stored; several GB.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._base = [program("buildah", "buildah"), "--root", str(folder / "store")]
        self._base += ["--runroot", str(folder / "run"), "--storage-driver"]
        # Where overlays cannot be mounted, as inside many containers, every layer is a copy.
        tried = subprocess.run([*self._base, "overlay", "info"], capture_output=True, check=False)
        self._base.append("overlay" if tried.returncode == 0 else "vfs")
        if tried.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)

    def command(self, *arguments: str) -> list[str]:
        """A command of buildah on these images, for who runs it in a way of its own."""
        return [*self._base, *arguments]

    def buildah(self, *arguments: str) -> str:
        """Run a command of buildah; returns what it printed."""
        downloads = TOOLS / "buildah"
        downloads.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            self.command(*arguments),
            env={**os.environ, "TMPDIR": str(downloads)},  # where it keeps what RUN steps cache
            capture_output=True,
            text=True,
            check=False,
        )
        said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert done.returncode == 0, f"buildah {' '.join(arguments)}\n{said}"
        return done.stdout

    def build(self, context: Path, tag: str, target: str = "", **arguments: str) -> str:
        """Build a Dockerfile's target; returns the image's name."""
        name = f"localhost/{tag}"
        flags = [f"--build-arg={key}={value}" for key, value in arguments.items()]
        if target:
            flags += ["--target", target]
        self.buildah("bud", *BUILD, *flags, "--tag", name, str(context))
        return name

    def config(self, image: str) -> dict[str, Any]:
        """What an image tells who runs it, in Docker's words: User, Cmd, Labels, ..."""
        config = json.loads(self.buildah("inspect", "--type", "image", image))["Docker"]["config"]
        assert isinstance(config, dict)
        return config

    @contextmanager
    def files(self, image: str) -> Iterator[Path]:
        """The root folder of a container made of an image."""
        container = self.buildah("from", "--pull-never", image).strip()
        try:
            yield Path(self.buildah("mount", container).strip())
        finally:
            self.buildah("umount", container)
            self.buildah("rm", container)

    def remove(self) -> None:
        """Delete all images and containers, also those of a build that was broken off."""
        self.buildah("rm", "--all")
        self.buildah("rmi", "--all", "--force")
        for line in reversed(Path("/proc/mounts").read_text(encoding="utf-8").splitlines()):
            mounted = line.split()[1]
            if mounted.startswith(f"{self._folder}/"):
                subprocess.run(["umount", "--lazy", mounted], check=False)
        shutil.rmtree(self._folder)
