"""What the Dockerfile names must be what the rest of the project names."""

import re
import runpy
from importlib.metadata import distribution
from pathlib import Path

import pytest
import setuptools
from packaging.utils import canonicalize_name

from pipelines import __version__
from supply_chain import google_libraries
from tests.conftest import ROOT

FOLDER = ROOT / "container"
LOCKS = sorted(FOLDER.glob("*.lock"))
WORKERS = ("worker-cpu", "worker-gpu")
EXTRAS = {
    "common": ("keras", "openvino", "ncnn", "metrics"),
    "dataflow": ("extract", "dataflow", "metrics"),
    "trainer": ("train", "openvino", "ncnn", "metrics"),
    "worker-cpu": ("extract", "metrics"),
    "worker-gpu": ("extract", "cuda", "metrics"),
}
"""What of setup.py a lock file of the images is made for."""

OLDER = {"dataflow": {"cachetools"}}
"""What a lock file must have in an older version than all else is tested with."""


def pins(lock: Path) -> dict[str, str]:
    """Versions by package."""
    found = re.findall(r"^([\w.-]+)(?:\[.*\])?==([\w.]+)", lock.read_text("utf-8"), re.MULTILINE)
    return dict(found)


def argument(name: str) -> str:
    found = re.findall(
        rf"^ARG {name}=(.+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE
    )
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_file_pins_the_versions_that_were_tested_with_their_hashes(lock):
    tested, locked = pins(ROOT / "requirements.lock"), pins(lock)
    assert {"tensorflow", "deltalake", "openvino", "ncnn"} <= locked.keys()
    differing = {name: v for name, v in locked.items() if tested.get(name, v) != v}
    assert differing.keys() == OLDER.get(lock.stem, set()), f"make lock was not run: {differing}"
    unknown = {name for name in locked.keys() - tested.keys() if not name.startswith("nvidia-")}
    assert unknown <= google_libraries.LICENCES.keys()
    assert not unknown or lock.stem == "dataflow"
    blocks = re.split(r"^(?=\w)", lock.read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert len(blocks) == len(locked)
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_file_holds_what_setup_asks_for(lock, monkeypatch):
    asked = {}
    monkeypatch.setattr(setuptools, "setup", lambda **keywords: asked.update(keywords))
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    wanted = list(asked["install_requires"])
    for extra in EXTRAS[lock.stem]:
        wanted += asked["extras_require"][extra]
    names = {re.match(r"[\w-]+", each).group() for each in wanted}
    assert len(names) > 8
    assert not names - pins(lock).keys(), "make lock was not run"


def test_there_is_a_lock_file_for_every_image_and_one_for_what_they_share():
    assert [lock.stem for lock in LOCKS] == list(EXTRAS)
    common, *images = (pins(lock).items() for lock in LOCKS)
    assert all(common <= image for image in images), "make lock was not run"


def test_the_trainer_has_no_beam_and_a_gpu_worker_adds_nvidia_s_libraries_alone():
    trainer, cpu, gpu = (pins(FOLDER / f"{name}.lock") for name in ("trainer", *WORKERS))
    assert "apache-beam" not in trainer
    assert "scikit-learn" in trainer
    assert "apache-beam" in cpu
    assert cpu.items() <= gpu.items()
    added = gpu.keys() - cpu.keys()
    assert "nvidia-cudnn-cu12" in added
    assert all(name.startswith("nvidia-") for name in added)


def test_on_dataflow_there_is_what_either_worker_has_and_beam_s_extra_for_google():
    cpu, gpu, ours = (pins(FOLDER / f"{name}.lock") for name in (*WORKERS, "dataflow"))
    assert cpu.items() <= ours.items(), "make lock was not run"
    assert not (ours.keys() - cpu.keys()) & gpu.keys()
    beam = distribution("apache-beam").requires
    wanted = [re.match(r"[\w.-]+", each).group() for each in beam if 'extra == "gcp"' in each]
    assert len(wanted) > 30
    assert {canonicalize_name(name) for name in wanted} <= ours.keys()
    assert ours.keys() - cpu.keys() == google_libraries.LICENCES.keys()


def test_boot_is_of_the_same_beam_as_the_workers():
    assert argument("BEAM_VERSION") == pins(FOLDER / "worker-cpu.lock")["apache-beam"]


def test_the_images_carry_the_project_s_version():
    assert argument("VERSION") == __version__
