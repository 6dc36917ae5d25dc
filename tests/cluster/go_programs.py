"""Programs in Go that the tests of clusters need, compiled from one module, `tests/cluster/go`.

One module for all, so that what several of them contain is compiled once; it pins their versions,
and the hashes of their sources. Prometheus's Pushgateway closes every connection with the newer
libraries that the others want, so it is built where its own module lies.

`python -m tests.cluster.go_programs NAME` compiles one beforehand.
"""

import functools
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.cluster.tools import TOOLS, absent, fetching, program

MODULE = Path(__file__).parent / "go"
PACKAGES = {
    "actionlint": "github.com/rhysd/actionlint/cmd/actionlint",
    "etcd": "go.etcd.io/etcd/server/v3",
    "fake-gcs-server": "github.com/fsouza/fake-gcs-server",
    "helm": "helm.sh/helm/v4/cmd/helm",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5",
    "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
    "promtool": "github.com/prometheus/prometheus/cmd/promtool",
    "versitygw": "github.com/versity/versitygw/cmd/versitygw",
}
PUSHGATEWAY = "v1.11.1"
OLDEST_GO = (1, 21)

_KUBERNETES = (
    "-X k8s.io/component-base/version.gitVersion=v1.36.3 "
    "-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
)
# Compiling costs the tests more than running what was compiled: it is left as it is written. And
# Prometheus without the clouds' service discovery is built in a minute.
AS_WRITTEN = "-gcflags=all=-N -l -dwarf=false"
_BUILD = ("-tags", "remove_all_sd", AS_WRITTEN, f"-ldflags=-s -w {_KUBERNETES}")
# A compiler that ends after one package need not collect its garbage: a quarter of its time.
_ENVIRONMENT = {"CGO_ENABLED": "0", "GOGC": "off", "GOMEMLIMIT": "2GiB"}


@functools.cache
def go() -> str:
    """Path of this machine's Go, of a version that fetches the newer one that a module asks for."""
    path = program("go", "golang")
    said = subprocess.run([path, "version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    if found is None or tuple(map(int, found.groups())) < OLDEST_GO:
        oldest = ".".join(map(str, OLDEST_GO))
        absent(f"{path} is too old, Go {oldest} or newer is needed: {said.strip()}")
    return path


@fetching()
def go_program(name: str) -> Path:
    """One of `PACKAGES`, compiled if it is not there."""
    pinned = hashlib.sha256((MODULE / "go.sum").read_bytes()).hexdigest()[:12]
    path = TOOLS / f"go-{pinned}" / name
    if not path.exists():
        run_go("build", "-C", str(MODULE), *_BUILD, "-o", str(path), PACKAGES[name])
    return path


@fetching()
def pushgateway() -> Path:
    """Prometheus's Pushgateway, compiled if it is not there."""
    path = TOOLS / f"pushgateway-{PUSHGATEWAY}" / "pushgateway"
    if not path.exists():
        source = module_source("github.com/prometheus/pushgateway", PUSHGATEWAY)
        run_go("build", "-C", str(source), *_BUILD, "-o", str(path), ".")
    return path


def module_source(path: str, version: str) -> Path:
    """Where the source of a Go module lies."""
    said = run_go("mod", "download", "-json", f"{path}@{version}")
    found = re.search(r'"Dir": "(.*)"', said)
    assert found is not None, said
    return Path(found[1])


def run_go(*arguments: str) -> str:
    """What Go prints."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [go(), *arguments],
        env={**os.environ, **_ENVIRONMENT},
        cwd=TOOLS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


if __name__ == "__main__":
    go_program(sys.argv[1])
