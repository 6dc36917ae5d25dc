"""What the release and the job server's build are held to, by the very programs that do it."""

import re
import shutil
import subprocess

import pytest

from tests.cluster.go_programs import go_program
from tests.cluster.tools import flink_job_server, maven, program
from tests.conftest import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]

CHECKSUMS = ".mvn/checksums/checksums.sha256"


@pytest.fixture
def job_server(tmp_path):
    """The job server's build, after all that it fetches was fetched once."""
    flink_job_server()
    return shutil.copytree(ROOT / "job_server", tmp_path / "job_server")


def built(mvn, folder, *arguments):
    """How a build ended."""
    command = [str(mvn), "--batch-mode", "-f", str(folder / "pom.xml"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_maven_refuses_a_file_of_another_checksum(job_server):
    checksums = job_server / CHECKSUMS
    told = checksums.read_text(encoding="utf-8")
    jar = "org/apache/beam/beam-runners-flink-1.19/2.62.0/beam-runners-flink-1.19-2.62.0.jar"
    changed, count = re.subn(rf"^[0-9a-f]{{64}}(?=  {jar}$)", "0" * 64, told, flags=re.MULTILINE)
    assert count == 1
    checksums.write_text(changed, encoding="utf-8")
    ill = built(maven(), job_server, "--offline", "compile")
    assert ill.returncode != 0
    assert "beam-runners-flink-1.19:jar:2.62.0" in ill.stdout
    assert "trusted checksum" in ill.stdout.lower()
    checksums.write_text(re.sub(rf".*{jar}\n", "", told), encoding="utf-8")
    missing = built(maven(), job_server, "--offline", "compile")
    assert missing.returncode != 0
    assert "Missing" in missing.stdout


def test_a_maven_that_knows_no_checksums_is_refused(job_server):
    mvn = program("mvn", "maven")
    version = subprocess.run([mvn, "--version"], capture_output=True, text=True, check=True).stdout
    done = built(mvn, job_server, "validate")
    if re.search(r"Apache Maven 3\.[0-8]\.", version):
        assert done.returncode != 0
        assert "Maven 3.9.2 or newer" in done.stdout
    else:
        assert done.returncode == 0, done.stdout


def test_the_release_is_a_workflow_that_github_can_run():
    actionlint = go_program("actionlint")
    workflows = [str(each) for each in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
    done = subprocess.run([actionlint, "-shellcheck=", *workflows], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    broken = (ROOT / ".github/workflows/release.yml").read_text().replace("needs: pins", "needs: x")
    ill = subprocess.run([actionlint, "-"], input=broken, capture_output=True, text=True)
    assert 'needs job "x"' in ill.stdout
