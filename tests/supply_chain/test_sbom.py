"""A bill of materials tells what lies in an image's folders, in CycloneDX's own form."""

import hashlib
import json
import shutil
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from supply_chain.sbom import bill_of, main

DPKG = """\
Package: zlib1g
Status: install ok installed
Architecture: amd64
Version: 1:1.2.13.dfsg-1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 2
"""
MODULES = """\
/opt/boot/container: go1.26.8
\tpath\tgithub.com/apache/beam/sdks/v2/python/container
\tmod\tgithub.com/apache/beam/sdks/v2\tv2.77.0\th1:main=
\tdep\tgolang.org/x/net\tv0.1.0\th1:net=
\tdep\texample.org/old\tv1.0.0\th1:old=
\t=>\texample.org/new\tv1.1.0\th1:new=
\tbuild\t-trimpath=true
"""
PARTS = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [
        {
            "type": "library",
            "author": "left out",
            "group": "org.slf4j",
            "name": "slf4j-simple",
            "version": "1.7.30",
            "purl": "pkg:maven/org.slf4j/slf4j-simple@1.7.30?type=jar",
            "licenses": [{"license": {"id": "MIT"}}],
            "hashes": [{"alg": "SHA-256", "content": "0a" * 32}],
        }
    ],
}


@pytest.fixture
def root(tmp_path):
    """The folders of a small image, with one real package that brings a library along."""
    site = tmp_path / "opt/venv/lib/python3.11/site-packages"
    texts = {
        "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
        "var/lib/dpkg/status": DPKG,
        "opt/venv/pyvenv.cfg": "home = /usr/bin\nversion = 3.11.2\n",
        "opt/apache/beam/boot-modules.txt": MODULES,
        "opt/java/openjdk/release": 'JAVA_VERSION="17.0.15"\nJAVA_RUNTIME_VERSION="17.0.15+6"\n',
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    real = distribution("ncnn")
    for file in real.files:
        if ".dist-info/" in str(file) or ".libs/" in str(file):
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(real.locate_file(file)), site / file)
    (tmp_path / "opt/beam").mkdir()
    with zipfile.ZipFile(tmp_path / "opt/beam/flink-job-server.jar", "w") as jar:
        jar.writestr("META-INF/sbom/bom.json", json.dumps(PARTS))
    return tmp_path


def test_a_bill_tells_every_kind_of_part(root, tmp_path):
    # Three seconds, which every process of tests would take that collects this file.
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert main([str(root), "--image=x/worker", "--version=1", f"--output={root / 'bill'}"]) == 0
    text = (root / "bill").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert bill["metadata"]["component"]["name"] == "x/worker"
    parts = {part["purl"]: part for part in bill["components"]}
    assert set(parts) == {
        "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64&distro=debian-12",
        "pkg:generic/python@3.11.2",
        f"pkg:pypi/ncnn@{distribution('ncnn').version}",
        "pkg:generic/openjdk@17.0.15%2B6",
        "pkg:maven/org.slf4j/slf4j-simple@1.7.30?type=jar",
        "pkg:golang/stdlib@1.26.8",
        "pkg:golang/github.com/apache/beam/sdks/v2@v2.77.0",
        "pkg:golang/golang.org/x/net@v0.1.0",
        "pkg:golang/example.org/new@v1.1.0",
    }
    maven = parts["pkg:maven/org.slf4j/slf4j-simple@1.7.30?type=jar"]
    assert maven["hashes"] == [{"alg": "SHA-256", "content": "0a" * 32}]
    assert "author" not in maven
    new = parts["pkg:golang/example.org/new@v1.1.0"]
    assert new["properties"] == [{"name": "go:sum", "value": "h1:new="}]
    ncnn = parts[f"pkg:pypi/ncnn@{distribution('ncnn').version}"]
    assert ncnn["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    [library] = ncnn["components"]
    file = Path(root, "opt/venv/lib/python3.11/site-packages", library["name"])
    assert library["hashes"][0]["content"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert library["licenses"] == [{"expression": "GPL-3.0-or-later WITH GCC-exception-3.1"}]


def test_what_cannot_be_told_makes_no_bill(root, capsys):
    jar = root / "opt/beam/flink-job-server.jar"
    with zipfile.ZipFile(jar, "w") as empty:
        empty.writestr("nothing", "")
    with pytest.raises(LookupError, match="does not list its parts; build it from job_server"):
        bill_of(root, "x", "1")
    jar.unlink()
    unknown = root / "opt/venv/lib/python3.11/site-packages/secret-1.dist-info"
    unknown.mkdir()
    (unknown / "METADATA").write_text("Metadata-Version: 2.4\nName: secret\nVersion: 1\n")
    assert main([str(root), "--image=x", "--version=1", f"--output={root / 'bill'}"]) == 1
    said = "no bill of x: secret does not tell its licence; read it, and add it to READ\n"
    assert capsys.readouterr().err == said
    assert not (root / "bill").exists()
