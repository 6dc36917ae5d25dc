"""Base images made from Debian's packages and this machine's files, in place of a registry's."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from tests.cluster.go_programs import go
from tests.cluster.images import Images
from tests.cluster.tools import TOOLS, fetching, program

PACKAGES = "python3-venv,python3-distutils,ca-certificates"
CERTIFICATES = Path("/usr/local/share/ca-certificates")
"""Authorities that this machine trusts beyond Debian's own."""

PIP_TRUSTS_THE_SYSTEM = "[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n"


def python_base(images: Images, folder: Path) -> str:
    """Debian 12 with its own Python 3.11, as small as debootstrap makes it."""
    folder.mkdir()
    shutil.copy(_debian(), folder / "debian.tar")
    (folder / "pip.conf").write_text(PIP_TRUSTS_THE_SYSTEM, encoding="utf-8")
    certificates = folder / "certificates"
    certificates.mkdir()
    for each in CERTIFICATES.glob("*.crt"):
        shutil.copy(each, certificates)
    (folder / "Dockerfile").write_text(
        "FROM scratch\n"
        "ADD debian.tar /\n"
        "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin\n"
        "COPY pip.conf /etc/pip.conf\n"
        f"COPY certificates {CERTIFICATES}\n"
        "RUN update-ca-certificates\n",
        encoding="utf-8",
    )
    return images.build(folder, "python-base")


def go_base(images: Images, python: str, folder: Path) -> str:
    """This machine's Go, on the base given."""
    root = subprocess.run(
        [go(), "env", "GOROOT"], capture_output=True, text=True, check=True
    ).stdout
    shutil.copytree(root.strip(), folder / "go", symlinks=True)
    (folder / "Dockerfile").write_text(
        f"FROM {python}\nCOPY go /usr/local/go\nENV PATH=/usr/local/go/bin:/usr/bin:/bin\n",
        encoding="utf-8",
    )
    return images.build(folder, "go-base")


def java_base(images: Images, python: str, folder: Path) -> str:
    """This machine's Java, on the base given, in the folder where Adoptium's images have theirs."""
    java = Path(program("java", "openjdk-17-jre-headless")).resolve().parent.parent
    unneeded = shutil.ignore_patterns("jmods", "docs", "man", "include", "src.zip", "javac")
    # What Debian links to lies below /etc, and is copied; a link that leads nowhere is left out.
    shutil.copytree(java, folder / "java", ignore=unneeded, ignore_dangling_symlinks=True)
    (folder / "Dockerfile").write_text(
        f"FROM {python}\nCOPY java /opt/java/openjdk\n", encoding="utf-8"
    )
    return images.build(folder, "java-base")


@fetching()
def _debian() -> Path:
    recipe = hashlib.sha256(f"bookworm {PACKAGES}".encode()).hexdigest()[:12]
    kept = TOOLS / f"debian-{recipe}.tar"
    if not kept.exists():
        draft = kept.with_suffix(".part")
        command = [program("debootstrap", "debootstrap"), "--variant=minbase"]
        command += [f"--include={PACKAGES}", "bookworm", str(draft)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
        packed = draft.with_suffix(".tar.part")
        left_out = ["--exclude=./var/cache/apt/archives/*.deb", "--exclude=./dev/*"]
        subprocess.run(["tar", *left_out, "-C", str(draft), "-cf", str(packed), "."], check=True)
        shutil.rmtree(draft)
        packed.rename(kept)
    return kept
