"""Flink's native mode against a real API server: the Deployment and pods that Flink itself makes.

The Flink Kubernetes Operator does what `deploy` does here, with the same classes of Flink: it
writes the FlinkDeployment's fields into Flink's configuration, and Flink deploys a session cluster.
"""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.api_servers import ADMIN, ApiServer
from tests.cluster.flink import _OPENED, SHORT_LIVED, flink_jars, free_ports
from tests.cluster.processes import start
from tests.cluster.tools import absent, program

CLIENT = "org.apache.flink.kubernetes.cli.KubernetesSessionCli"
JOBMANAGER = "org.apache.flink.kubernetes.entrypoint.KubernetesSessionClusterEntrypoint"
NAMESPACE = "frozen-features"
TEMPLATE = "flink/pod-template/taskmanager-pod-template.yaml"
"""Where under /opt a JobManager looks for the pods it is to make; Flink has no option for it."""


def settings_of(deployment: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Flink's configuration as the operator derives it from a FlinkDeployment."""
    spec = deployment["spec"]
    settings = {
        **spec["flinkConfiguration"],
        "kubernetes.cluster-id": deployment["metadata"]["name"],
        "kubernetes.namespace": NAMESPACE,
        "kubernetes.service-account": spec["serviceAccount"],
        "kubernetes.container.image.ref": spec["image"],
        "execution.attached": "false",
    }
    for role in ("jobManager", "taskManager"):
        name, own = role.lower(), spec[role]["resource"]
        template = json.loads(json.dumps(spec[role]["podTemplate"]))
        (main,) = template["spec"]["containers"]
        disk = {"ephemeral-storage": own["ephemeralStorage"]}
        main["resources"] = {"requests": disk, "limits": disk}
        place = folder / f"{name}.yaml"
        place.write_text(yaml.safe_dump(template))
        settings |= {
            f"{name}.memory.process.size": own["memory"],
            f"kubernetes.{name}.cpu.amount": str(own["cpu"]),
            f"kubernetes.pod-template-file.{name}": str(place),
        }
    return settings


def deploy(server: ApiServer, settings: Mapping[str, str], folder: Path) -> None:
    """Have Flink make its JobManager's Deployment, services and config maps."""
    access = {"kubernetes.config.file": str(_kubeconfig(server, ADMIN, folder / "admin.json"))}
    conf = _configuration({**settings, **access}, folder / "client")
    done = subprocess.run(
        _java(CLIENT),
        env={**os.environ, "FLINK_CONF_DIR": str(conf)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@contextlib.contextmanager
def jobmanager(
    server: ApiServer, settings: Mapping[str, str], token: str, workers: int, folder: Path
) -> Iterator[Path]:
    """The JobManager's process, here and not in a pod, with the rights of its service account.

    Args:
        server: where it makes its TaskManagers' pods.
        settings: what `settings_of` gives.
        token: of its service account.
        workers: TaskManagers that it is to have without any job.
        folder: for its files.

    Yields:
        Its log.
    """
    rest, rpc, blob = free_ports(3)
    here = {
        "kubernetes.config.file": str(_kubeconfig(server, token, folder / "account.json")),
        "jobmanager.rpc.address": "127.0.0.1",
        "jobmanager.bind-host": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "rest.address": "127.0.0.1",
        "rest.port": str(rest),
        "jobmanager.rpc.port": str(rpc),
        "blob.server.port": str(blob),
        "metrics.internal.query-service.port": "0",
        "slotmanager.number-of-slots.min": str(workers),
        "io.tmp.dirs": str(folder),
    }
    conf = _configuration({**settings, **here}, folder / "jobmanager")
    template = settings["kubernetes.pod-template-file.taskmanager"]
    # A mount of its own, seen by this process alone, puts the template where Flink looks for it.
    script = (
        f"mount -t tmpfs none /opt && mkdir -p $(dirname /opt/{TEMPLATE}) && "
        f'cp {template} /opt/{TEMPLATE} && exec "$@"'
    )
    java = _java(JOBMANAGER)
    if os.path.realpath(java[0]).startswith("/opt/") or os.getuid() != 0:
        absent("mounting a folder over /opt takes root, and Java elsewhere")
    alone = [program("unshare", "util-linux"), "--mount", "sh", "-c", script, "sh"]
    log = folder / "jobmanager.log"
    with log.open("wb") as out:
        process = start(
            [*alone, *java], env={**os.environ, "FLINK_CONF_DIR": str(conf)}, stdout=out, stderr=out
        )
    try:
        yield log
        assert process.poll() is None, log.read_text()[-4000:]
    finally:
        process.kill()
        process.wait()


def _java(main: str) -> list[str]:
    opened = [part for each in _OPENED for part in ("--add-opens", each)]
    java = program("java", "openjdk-17-jre-headless")
    return [java, "-Xmx384m", *SHORT_LIVED, *opened, "-cp", f"{flink_jars()}/*", main]


def _configuration(settings: Mapping[str, str], folder: Path) -> Path:
    folder.mkdir()
    lines = [f"{name}: {value}\n" for name, value in settings.items()]
    (folder / "flink-conf.yaml").write_text("".join(lines))
    return folder


def _kubeconfig(server: ApiServer, token: str, place: Path) -> Path:
    cluster = {"server": server.url, "certificate-authority": str(server.certificate)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": cluster}],
        "users": [{"name": "who", "user": {"token": token}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "who"}}],
    }
    place.write_text(json.dumps(config))
    return place
