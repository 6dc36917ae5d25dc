"""Debian's packages of an image; their licences lie in it below `usr/share/doc`."""

from email.parser import HeaderParser
from pathlib import Path

from cyclonedx.model.component import Component
from packageurl import PackageURL


def debian_packages(root: Path) -> list[Component]:
    """Every package that dpkg has installed.

    Args:
        root: the image's root folder.
    """
    release = dict(
        line.split("=", 1)
        for line in (root / "etc/os-release").read_text(encoding="utf-8").splitlines()
        if "=" in line
    )
    distro = f"{release['ID']}-{release['VERSION_ID']}".replace('"', "")
    status = (root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    made = []
    for block in status.strip().split("\n\n"):
        package = HeaderParser().parsestr(block)
        if package["Status"] != "install ok installed":
            continue
        name, version = package["Package"], package["Version"]
        where = {"arch": package["Architecture"], "distro": distro}
        purl = PackageURL("deb", "debian", name, version, where)
        made.append(Component(name=name, version=version, purl=purl))
    return made
