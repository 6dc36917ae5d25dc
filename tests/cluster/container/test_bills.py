"""The bill of materials of each image tells what is in it: all of the locks, and the rest."""

import json
import re

import pytest
from packaging.utils import canonicalize_name

from supply_chain.locks import FOLDER, pins
from supply_chain.sbom import bill_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

LOCKS = {
    "worker": "worker-cpu",
    "trainer": "trainer",
    "submit": "worker-cpu",
    "dataflow": "dataflow",
}


@pytest.mark.parametrize("target", LOCKS)
def test_an_image_s_bill_lists_what_is_in_it(images, built, pod, target):
    with images.files(built[target]) as root:
        bill = json.loads(bill_of(root, f"frozen-features/{target}", "of-tests"))
    assert bill["metadata"]["component"]["name"] == f"frozen-features/{target}"
    parts = {part["purl"].partition("?")[0]: part for part in bill["components"]}
    kinds: dict[str, dict[str, str]] = {}
    for purl in parts:
        kind, name, version = re.fullmatch(r"pkg:(\w+)/(.+)@(.+)", purl).groups()
        kinds.setdefault(kind, {})[name] = version
    locked = pins(FOLDER / f"{LOCKS[target]}.lock")
    packages = {canonicalize_name(name): version for name, version in kinds["pypi"].items()}
    assert locked.items() <= packages.items()
    assert packages.keys() - locked.keys() <= {"pip", "setuptools", "frozen-features"}

    said = pod.run(built[target], "dpkg-query", "-W", "-f", "${Package} ${Version}\\n")
    assert said.returncode == 0, said.stderr
    told = {f"{name} {version}" for name, version in kinds["deb"].items()}
    assert {line.replace("+", "%2B") for line in said.stdout.splitlines()} == {
        line.removeprefix("debian/") for line in told
    }
    [gomp] = parts[f"pkg:pypi/ncnn@{locked['ncnn']}"]["components"]
    assert gomp["group"] == "libgomp"
    summed = pod.run(
        built[target], "sha256sum", f"/opt/venv/lib/python3.11/site-packages/{gomp['name']}"
    )
    assert gomp["hashes"][0]["content"] == summed.stdout.split()[0]

    assert ("golang" in kinds) == (target != "trainer")
    assert ("maven" in kinds) == (target == "submit")
    if target != "trainer":
        assert kinds["golang"]["github.com/apache/beam/sdks/v2"] == f"v{locked['apache-beam']}"
    if target == "submit":
        assert kinds["maven"]["org.apache.beam/beam-runners-flink-1.19"] == "2.62.0"
        assert kinds["generic"]["openjdk"].startswith("17.")
