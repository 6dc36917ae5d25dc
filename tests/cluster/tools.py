"""Programs that the tests of the cluster need, fetched once at pinned versions.

They land in `build/tools`, which `make clean` removes. Where the program that would fetch one is
absent, a test says that it skips; in CI it fails.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build" / "tools"
MAVEN = "3.9.11"
MAVEN_SHA256 = "4b7195b6a4f5c81af4c0212677a32ee8143643401bc6e1e8412e6b06ea82beac"


def program(name: str, package: str) -> str:
    """Path of a program of this machine; `package` is what Debian calls its package."""
    found = shutil.which(name)
    if found is None:
        absent(f"no {name} on this machine (Debian's package {package})")
    return found


def absent(message: str) -> NoReturn:
    """A test cannot run here: it skips and says why, but not where everything must run."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@contextlib.contextmanager
def fetching() -> Iterator[None]:
    """Around fetching or building a tool: of several processes one does it, and the others wait."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@fetching()
def python_packages(name: str, *requirements: str) -> Path:
    """A folder of Python packages for `PYTHONPATH`; without what they depend on, all pinned."""
    place = TOOLS / name
    if not place.exists():
        draft = TOOLS / f"{name}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
        _run([*uv, "--target", str(draft), *requirements])
        draft.rename(place)
    return place


@fetching()
def maven_jar(group: str, artifact: str, version: str) -> Path:
    """One jar from Maven's central repository, without what it depends on."""
    jar = TOOLS / "jars" / f"{artifact}-{version}.jar"
    if not jar.exists():
        maven = [program("mvn", "maven"), "-q", "-B", "dependency:copy"]
        _run(
            [*maven, f"-Dartifact={group}:{artifact}:{version}", f"-DoutputDirectory={jar.parent}"]
        )
    return jar


@fetching()
def maven() -> Path:
    """Maven's program, of a version that holds what it fetches to checksums; Debian's is older."""
    home = TOOLS / f"apache-maven-{MAVEN}"
    if not home.exists():
        packed = TOOLS / f"apache-maven-{MAVEN}-bin.tar.gz"
        copy = [program("mvn", "maven"), "-q", "-B", "dependency:copy"]
        artifact = f"-Dartifact=org.apache.maven:apache-maven:{MAVEN}:tar.gz:bin"
        _run([*copy, artifact, f"-DoutputDirectory={TOOLS}"])
        assert hashlib.sha256(packed.read_bytes()).hexdigest() == MAVEN_SHA256
        _run(["tar", "-xzf", str(packed)])
        packed.unlink()
    return home / "bin" / "mvn"


def flink_job_server() -> Path:
    """Beam's job server for Flink, one jar, built by Maven from `job_server`."""
    return _job_server("flink", ROOT / "job_server")


def spark_job_server() -> Path:
    """Beam's job server for Spark, one jar, built by Maven from `job_server/spark`."""
    return _job_server("spark", ROOT / "job_server" / "spark")


def _job_server(name: str, source: Path) -> Path:
    mvn = maven()
    with fetching():
        files = [source / "pom.xml", *sorted((source / ".mvn").rglob("*.*"))]
        content = b"".join(each.read_bytes() for each in files if each.is_file())
        jar = TOOLS / f"{name}-job-server-{hashlib.sha256(content).hexdigest()[:12]}.jar"
        if not jar.exists():
            build = TOOLS / "job_server"
            shutil.rmtree(build, ignore_errors=True)
            shutil.copytree(source, build, ignore=shutil.ignore_patterns("target", "spark"))
            _run([str(mvn), "-q", "-B", "-f", str(build / "pom.xml"), "package"])
            (build / "target" / f"{name}-job-server.jar").rename(jar)
    return jar


def _run(arguments: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        arguments, env=environment, cwd=TOOLS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
