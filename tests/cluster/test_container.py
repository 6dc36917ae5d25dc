"""The Dockerfile's three targets, built here and run as they would be on a cluster."""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import classifiers
from pipelines.bases import BASES
from pipelines.table.feature_table import FeatureTable
from pipelines.weights import WeightsRequest
from pipelines.weights.loading import load_base
from tests.cluster.bases import go_base, python_base
from tests.cluster.images import Images
from tests.cluster.pods import Pod
from tests.cluster.tools import absent, flink_job_server
from tests.conftest import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

USER = 10001
WEIGHTS = "vgg16.weights.h5"
POOL = "--environment_type=EXTERNAL", "--environment_config=localhost:50000"
SMALL = "--image_size=32", f"--weights=/weights/{WEIGHTS}"
COMPILERS = re.compile(
    r"(.*-)?(cc|c\+\+|gcc|g\+\+|clang|ld|as|make|cmake|javac|mvn|go|rustc)(-\d+)?"
)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    if os.geteuid() != 0:
        absent("buildah's chroot isolation and network namespaces take root")
    images = Images(tmp_path_factory.mktemp("images"))
    yield images
    images.remove()


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def built(
    images: Images, context: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The names of the three images by target."""
    folder = tmp_path_factory.mktemp("bases")
    python = python_base(images, folder / "python")
    go = go_base(images, python, folder / "go")

    def build(target: str, **arguments: str) -> str:
        common = {"PYTHON_BASE": python, "REVISION": "of-tests"}
        return images.build(context, f"frozen-features/{target}", target, **common, **arguments)

    with ThreadPoolExecutor() as pool:
        trainer = pool.submit(build, "trainer")
        worker = build("worker", GO_BASE=go, WEIGHTS=f"container/files/{WEIGHTS}")
        submit = build(
            "submit",
            WORKER=worker,
            MAVEN_BASE=python,
            JOB_SERVER_JAR="container/files/job-server-of-tests.jar",
        )
        return {"trainer": trainer.result(), "worker": worker, "submit": submit}


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def features(images: Images, built: dict[str, str], volumes: dict[str, Path]) -> Path:
    """A table that the worker's embedded runner extracted."""
    with Pod(images, volumes) as pod:
        done = pod.run(built["worker"], *extract("features"), "--engine=keras")
    assert done.returncode == 0, done.stderr
    return volumes["/data"] / "features"


def extract(table: str) -> tuple[str, ...]:
    command = ("python", "-m", "pipelines.extract", "--input=/data/images")
    return (*command, f"--table=/data/{table}", *SMALL)


def vectors(table: Path) -> dict[str, np.ndarray]:
    """Every image's features by its id, all splits."""
    found: dict[str, np.ndarray] = {}
    for split in ("train", "validation", "test"):
        features, _, ids = classifiers.load(str(table), split=split)
        found.update(zip(ids, features, strict=True))
    return found


def largest_error(found: Path, expected: Path) -> float:
    """The largest relative L2 error of any image; both tables must hold the same images."""
    ours, theirs = vectors(found), vectors(expected)
    assert ours.keys() == theirs.keys()
    assert len(ours) == 88
    return max(
        float(np.linalg.norm(ours[name] - theirs[name]) / np.linalg.norm(theirs[name]))
        for name in ours
    )


def contract_of(table: Path) -> str:
    return FeatureTable.open(str(table)).contract.contract_id


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.5)
    return False


def test_nothing_but_the_sources_gets_into_a_build(images, context):
    only = context / "of_tests"
    only.mkdir()
    (only / "Dockerfile").write_text("FROM scratch\nCOPY . /\n", encoding="utf-8")
    name = "localhost/everything"
    file = str(only / "Dockerfile")
    images.buildah("bud", "--quiet", "--file", file, "--tag", name, str(context))
    with images.files(name) as root:
        found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    wanted = {"LICENSE", "README.md", "setup.py", "pyproject.toml", "job_server/pom.xml"}
    assert wanted <= found
    assert {name.split("/")[0] for name in found - wanted} == {
        "pipelines",
        "classifiers",
        "container",
    }
    assert not [name for name in found if "__pycache__" in name]


@pytest.mark.parametrize("engine", ["keras", "openvino", "ncnn"])
def test_the_worker_extracts_with_every_engine(built, pod, volumes, table, engine):
    done = pod.run(built["worker"], *extract(f"by-{engine}"), f"--engine={engine}")
    assert done.returncode == 0, done.stderr
    made = volumes["/data"] / f"by-{engine}"
    assert largest_error(made, table) <= (1e-6 if engine == "keras" else 1e-4)
    assert contract_of(made) == contract_of(table)
    assert made.stat().st_uid == USER


def test_boot_s_workers_extract_what_the_embedded_runner_does(
    images, built, pod, volumes, features
):
    worker, submit = built["worker"], built["submit"]
    config = images.config(worker)
    health = config["Healthcheck"]["Test"][1:]
    early = pod.run(worker, *health)
    assert early.returncode == 1
    assert early.stderr.startswith("no worker pool answers on localhost:50000: UNAVAILABLE\n")

    log = volumes["/tmp"] / "pool.log"
    pod.start(worker, *config["Entrypoint"], *config["Cmd"], log=log)
    assert wait_until(lambda: pod.run(worker, *health).returncode == 0, 90), log.read_text()

    service = "apache_beam.runners.portability.local_job_service_main"
    job_log = volumes["/tmp"] / "job.log"
    pod.start(submit, "python", "-m", service, "--port=8099", log=job_log)
    assert wait_until(lambda: "Listening" in job_log.read_text(), 60), job_log.read_text()
    over = ("--runner=PortableRunner", "--job_endpoint=localhost:8099", *POOL)
    done = pod.run(submit, *extract("over-boot"), "--engine=keras", *over)
    assert done.returncode == 0, f"{done.stderr}\n{log.read_text()}"
    assert "Starting worker with command ['/opt/apache/beam/boot'" in log.read_text()
    assert "Downloaded: /tmp/staged/" in log.read_text()
    assert largest_error(volumes["/data"] / "over-boot", features) == 0


def test_the_worker_s_health_is_more_than_an_open_port(images, built, pod, volumes):
    listen = "import socket as s; l = s.create_server(('', 50000)); print('open'); l.accept()"
    log = volumes["/tmp"] / "open.log"
    pod.start(built["worker"], "python", "-c", f"{listen}; l.accept()", log=log)
    assert wait_until(lambda: "open" in log.read_text(), 30), log.read_text()
    done = pod.run(built["worker"], *images.config(built["worker"])["Healthcheck"]["Test"][1:])
    assert done.returncode == 1
    assert done.stderr.startswith("no worker pool answers on localhost:50000")


def test_the_trainer_trains_evaluates_and_predicts(built, pod, volumes, features):
    mounted = {"/weights": volumes["/data"].parent / "weights"}
    made = volumes["/data"]
    heads = {"dense": ("--epochs=5", "--learning_rate=0.001"), "logistic": ()}
    for head, more in heads.items():
        model = f"--model=/data/{head}"
        steps = [
            ("train", "--table=/data/features", f"--head={head}", *more),
            ("evaluate", "--table=/data/features", f"--json=/data/{head}.json"),
            ("predict", "--table=/data/features", "--split=test", f"--output=/data/{head}.parquet"),
            ("predict", "--input=/data/images/test", SMALL[1], f"--output=/data/{head}-2.parquet"),
        ]
        for name, *rest in steps:
            command = ("python", "-m", f"classifiers.{name}", model, *rest)
            done = pod.run(built["trainer"], *command, hidden=mounted)
            assert done.returncode == 0, done.stderr
        assert json.loads((made / f"{head}.json").read_text())["accuracy"] >= 0.95
        stored = pq.read_table(made / f"{head}.parquet").to_pydict()
        direct = pq.read_table(made / f"{head}-2.parquet").to_pydict()
        names = [name.removeprefix("test/") for name in stored["image_id"]]
        by_name = dict(zip(direct["image_id"], direct["probability"], strict=True))
        assert len(by_name) == 20
        expected = np.array([by_name[name] for name in names])
        np.testing.assert_allclose(stored["probability"], expected, rtol=1e-3)


def test_the_trainer_knows_no_beam(built, pod):
    look = "import importlib.util as u; print(u.find_spec('apache_beam'), u.find_spec('sklearn'))"
    done = pod.run(built["trainer"], "python", "-c", look)
    assert done.stdout.startswith("None ModuleSpec(name='sklearn'")
    done = pod.run(built["trainer"], "python", "-c", "import classifiers; print(classifiers)")
    assert "/opt/frozen-features/classifiers/" in done.stdout
    done = pod.run(built["worker"], "python", "-c", look)
    assert done.stdout.startswith("ModuleSpec(name='apache_beam'")


def test_submit_holds_java_and_the_very_job_server_named(images, built, pod):
    with images.files(built["submit"]) as root:
        jar = (root / "opt/beam/flink-job-server.jar").read_bytes()
    ours = flink_job_server().read_bytes()
    assert hashlib.sha256(jar).hexdigest() == hashlib.sha256(ours).hexdigest()
    done = pod.run(built["submit"], "java", "-jar", "/opt/beam/flink-job-server.jar", "--help")
    assert "--flink-master" in done.stderr + done.stdout
    assert re.search(r'version "17\.', pod.run(built["submit"], "java", "-version").stderr)


@pytest.mark.parametrize(
    ("target", "broken", "says"),
    [
        ("trainer", "/opt/venv/lib/python3.11/site-packages/sklearn", "sklearn cannot be imported"),
        ("submit", "/opt/beam/flink-job-server.jar", "java does not run"),
    ],
)
def test_the_health_command_tells_a_broken_image(
    images, built, pod, tmp_path, target, broken, says
):
    health = images.config(built[target])["Healthcheck"]["Test"][1:]
    well = pod.run(built[target], *health)
    assert well.returncode == 0, well.stderr
    nothing = tmp_path / "nothing"
    if broken.endswith(".jar"):
        nothing.touch()
    else:
        nothing.mkdir()
        (nothing / "__init__.py").write_text("raise ImportError('broken')")
    tmp_path.chmod(0o755)
    ill = pod.run(built[target], *health, hidden={broken: nothing})
    assert ill.returncode == 1
    assert says in ill.stderr


@pytest.mark.parametrize("target", ["worker", "trainer", "submit"])
def test_an_image_is_labelled_and_runs_as_nobody_in_particular(images, built, pod, target):
    config = images.config(built[target])
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items()}
    assert labels["title"] == f"frozen-features/{target}"
    assert (labels["licenses"], labels["revision"]) == ("Apache-2.0", "of-tests")
    assert labels["name"] == "localhost/python-base"
    assert config["User"] == f"{USER}:{USER}"
    probe = "id -u; id -g; touch /opt/x /weights/x /opt/venv/x /etc/x; touch /tmp/y /cache/y && pwd"
    done = pod.run(built[target], "sh", "-c", probe)
    assert done.stdout.split() == [str(USER), str(USER), "/tmp"]
    assert done.stderr.count("Permission denied") == 4


@pytest.mark.parametrize("target", ["worker", "trainer", "submit"])
def test_an_image_holds_no_compiler_and_no_set_id_program_of_ours(images, built, target):
    with images.files(built[target]) as root:
        bins = [root / "opt/venv/bin", root / "usr/bin", root / "usr/local/bin", root / "usr/sbin"]
        programs = {path.name for folder in bins for path in folder.iterdir()}
        assert {"python", "health"} <= programs
        assert not [name for name in programs if COMPILERS.fullmatch(name)]
        ours = [path for path in (root / "opt").rglob("*") if not path.is_symlink()]
        assert len(ours) > 10_000
        assert not [path for path in ours if path.stat().st_mode & 0o6002]
