"""What is in the images, what is not, and what they tell of themselves."""

import hashlib
import re

import pytest

from tests.cluster.container.commands import USER, wait_until
from tests.cluster.tools import flink_job_server

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

PACKAGES = "/opt/venv/lib/python3.11/site-packages"
COMPILERS = re.compile(
    r"(.*-)?(cc|c\+\+|gcc|g\+\+|clang|ld|as|make|cmake|javac|mvn|go|rustc)(-\d+)?"
)


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
    wanted |= {f"job_server/.mvn/{name}" for name in ("maven.config", "checksums/checksums.sha256")}
    assert wanted <= found
    assert {name.split("/")[0] for name in found - wanted} == {
        "pipelines",
        "classifiers",
        "frozen_features",
        "container",
    }
    assert not [name for name in found if "__pycache__" in name]


def test_the_worker_s_health_is_more_than_an_open_port(images, built, pod, volumes):
    listen = "import socket as s; l = s.create_server(('', 50000)); print('open'); l.accept()"
    log = volumes["/tmp"] / "open.log"
    pod.start(built["worker"], "python", "-c", f"{listen}; l.accept()", log=log)
    assert wait_until(lambda: "open" in log.read_text(), 30), log.read_text()
    done = pod.run(built["worker"], *images.config(built["worker"])["Healthcheck"]["Test"][1:])
    assert done.returncode == 1
    assert done.stderr.startswith("no worker pool answers on localhost:50000")


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
        ("trainer", f"{PACKAGES}/sklearn", "sklearn cannot be imported"),
        ("dataflow", f"{PACKAGES}/google/cloud/storage", "cannot be imported: broken"),
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


@pytest.mark.parametrize("target", ["worker", "trainer", "submit", "dataflow"])
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


@pytest.mark.parametrize("target", ["worker", "trainer", "submit", "dataflow"])
def test_an_image_holds_no_compiler_and_no_set_id_program_of_ours(images, built, target):
    with images.files(built[target]) as root:
        bins = [root / "opt/venv/bin", root / "usr/bin", root / "usr/local/bin", root / "usr/sbin"]
        programs = {path.name for folder in bins for path in folder.iterdir()}
        assert {"python", "health"} <= programs
        assert not [name for name in programs if COMPILERS.fullmatch(name)]
        ours = [path for path in (root / "opt").rglob("*") if not path.is_symlink()]
        assert len(ours) > 10_000
        assert not [path for path in ours if path.stat().st_mode & 0o6002]
