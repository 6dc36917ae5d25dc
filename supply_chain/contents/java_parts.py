"""Java and the parts of the job server's jar, where an image has them."""

import json
import zipfile
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.component import Component, ComponentType
from packageurl import PackageURL

JAVA = "opt/java/openjdk"
JAR = "opt/beam/flink-job-server.jar"
MEMBER = "META-INF/sbom/bom.json"
"""Where the jar lists its parts; `job_server/pom.xml` has Maven write it."""

KEPT = ("type", "bom-ref", "group", "name", "version", "purl", "licenses", "hashes")
"""What is taken over of a part; the rest is addresses and prose."""

LICENCE = "GPL-2.0-only WITH Classpath-exception-2.0"


def java_parts(root: Path) -> list[Component]:
    """Java's runtime, and what Maven put into the job server; nothing if the image has no Java.

    Args:
        root: the image's root folder.

    Raises:
        LookupError: the jar does not list its parts.
    """
    if not (root / JAR).exists():
        return []
    lines = (root / JAVA / "release").read_text(encoding="utf-8").splitlines()
    release = dict(line.replace('"', "").split("=", 1) for line in lines if "=" in line)
    version = release.get("JAVA_RUNTIME_VERSION", release["JAVA_VERSION"])
    java = Component(
        name="openjdk",
        version=version,
        type=ComponentType.PLATFORM,
        licenses=[LicenseFactory().make_from_string(LICENCE)],
        purl=PackageURL("generic", name="openjdk", version=version),
    )
    with zipfile.ZipFile(root / JAR) as jar:
        if MEMBER not in jar.namelist():
            raise LookupError(f"{JAR} does not list its parts; build it from job_server/pom.xml")
        listed = json.loads(jar.read(MEMBER))["components"]
    kept = [{key: part[key] for key in KEPT if key in part} for part in listed]
    return [java, *(Component.from_json(part) for part in kept)]  # type: ignore[attr-defined]
