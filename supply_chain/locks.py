"""What the lock files of the images pin."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "container"

IMAGES = {
    "trainer": ("trainer",),
    "worker-cpu": ("worker", "submit"),
    "dataflow": ("dataflow",),
    "worker-gpu": ("GPU worker",),
}
"""The images that a lock file, by its name, makes; `common` holds what all of them share."""

PIN = re.compile(r"^([\w.-]+)(?:\[.*\])?==([\w.]+)", re.MULTILINE)


def pins(lock: Path) -> dict[str, str]:
    """Versions by package, as a lock file has them."""
    return dict(PIN.findall(lock.read_text(encoding="utf-8")))


def shipped() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every package that an image holds: its version and the images, by its name in order."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for lock, images in IMAGES.items():
        for name, version in pins(FOLDER / f"{lock}.lock").items():
            before = found.get(name, (version, ()))[1]
            found[name] = version, (*before, *images)
    return dict(sorted(found.items()))
