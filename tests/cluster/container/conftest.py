"""The Dockerfile's four targets, built once for the tests of this folder."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.bases import BASES, WeightsRequest
from pipelines.bases.weights import load_base
from tests.cluster.bases import go_base, java_base, python_base
from tests.cluster.container.commands import USER, WEIGHTS, extract
from tests.cluster.go_programs import AS_WRITTEN
from tests.cluster.images import Images
from tests.cluster.pods import Pod
from tests.cluster.tools import absent, flink_job_server
from tests.conftest import ROOT

NEEDED_DISK = 17 * 10**9
"""Bytes that building the four images takes at its height where overlays can be mounted."""


@pytest.fixture(scope="package")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    if os.geteuid() != 0:
        absent("buildah's chroot isolation and network namespaces take root")
    folder = tmp_path_factory.mktemp("images")
    free = shutil.disk_usage(folder).free
    if free < NEEDED_DISK:
        absent(
            f"{folder} has {free / 1e9:.0f} GB of disk left, images take {NEEDED_DISK / 1e9:.0f}"
        )
    images = Images(folder)
    yield images
    images.remove()


@pytest.fixture(scope="package")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with files to bake in, and with what must not get into an image."""
    context = tmp_path_factory.mktemp("context") / "checkout"
    leave = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", ".*_cache")
    shutil.copytree(ROOT, context, ignore=leave, symlinks=True)
    baked = context / "container" / "files"
    baked.mkdir(exist_ok=True)
    shutil.copy(flink_job_server(), baked / "job-server-of-tests.jar")
    loaded = load_base(BASES["VGG16"], 32, WeightsRequest("random", seed=1))
    loaded.model.save_weights(baked / WEIGHTS)
    for decoy in (".env", ".git/config", "tests/secret", "pipelines/__pycache__/decoy.pyc"):
        (context / decoy).parent.mkdir(exist_ok=True)
        (context / decoy).write_text("secret", encoding="utf-8")
    return context


@pytest.fixture(scope="package")
def built(
    images: Images, context: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The names of the four images by target."""
    folder = tmp_path_factory.mktemp("bases")
    python = python_base(images, folder / "python")
    go = go_base(images, python, folder / "go")
    java = java_base(images, python, folder / "java")

    def build(target: str, **arguments: str) -> str:
        common = {"PYTHON_BASE": python, "REVISION": "of-tests"}
        return images.build(context, f"frozen-features/{target}", target, **common, **arguments)

    packages = build("packages")
    trainer = build("trainer", PACKAGES=packages)
    weights = f"container/files/{WEIGHTS}"
    worker = build(
        "worker", PACKAGES=packages, GO_BASE=go, GOFLAGS=f"'{AS_WRITTEN}'", WEIGHTS=weights
    )
    submit = build(
        "submit",
        WORKER=worker,
        MAVEN_BASE=python,
        JAVA_BASE=java,
        JOB_SERVER_JAR="container/files/job-server-of-tests.jar",
    )
    dataflow = build("dataflow", WORKER=worker)
    return {"trainer": trainer, "worker": worker, "submit": submit, "dataflow": dataflow}


@pytest.fixture(scope="package")
def volumes(
    dataset: Path, context: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """What the containers share: images in /data, and room to write as a cluster gives it."""
    folder = tmp_path_factory.mktemp("volumes")
    shutil.copytree(dataset, folder / "data" / "images")
    (folder / "data" / "images").chmod(0o755)
    shutil.copytree(context / "container" / "files", folder / "weights")
    for name in ("tmp", "cache", "data"):
        (folder / name).mkdir(exist_ok=True)
        os.chown(folder / name, USER, USER)
    return {f"/{name}": folder / name for name in ("tmp", "cache", "data")}


@pytest.fixture
def pod(images: Images, built: dict[str, str], volumes: dict[str, Path]) -> Iterator[Pod]:
    with Pod(images, volumes) as pod:
        yield pod


@pytest.fixture(scope="package")
def features(images: Images, built: dict[str, str], volumes: dict[str, Path]) -> Path:
    """A table that the worker's embedded runner extracted."""
    with Pod(images, volumes) as pod:
        done = pod.run(built["worker"], *extract("features"), "--engine=keras")
    assert done.returncode == 0, done.stderr
    return volumes["/data"] / "features"
