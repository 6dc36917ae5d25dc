"""Python and the packages of the image's environment, with the libraries that wheels bring."""

import hashlib
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.component import Component, ComponentType
from packageurl import PackageURL

from supply_chain.bundled import LICENCES, libraries
from supply_chain.licences import licence_of

ENVIRONMENT = "opt/venv"
"""The image's only Python environment, below its root."""

_licence = LicenseFactory().make_from_string


def python_packages(root: Path) -> list[Component]:
    """Python itself and every package of the environment.

    Args:
        root: the image's root folder.

    Raises:
        LookupError: a package or a library does not tell its licence, and nobody has read it.
    """
    environment = root / ENVIRONMENT
    settings = (environment / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    values = dict(line.replace(" ", "").split("=", 1) for line in settings if "=" in line)
    python = Component(
        name="python",
        version=values["version"],
        type=ComponentType.PLATFORM,
        licenses=[_licence("PSF-2.0")],
        purl=PackageURL("generic", name="python", version=values["version"]),
    )
    folders = [str(each) for each in environment.glob("lib/python3*/site-packages")]
    found = sorted(distributions(path=folders), key=lambda each: each.name.lower())
    return [python, *map(_package, found)]


def _package(distribution: Distribution) -> Component:
    name = distribution.name.lower().replace("_", "-")
    return Component(
        name=name,
        version=distribution.version,
        licenses=[_licence(licence_of(distribution))],
        purl=PackageURL("pypi", name=name, version=distribution.version),
        components=_libraries(distribution),
    )


def _libraries(distribution: Distribution) -> list[Component]:
    made = []
    for name, file in libraries(distribution):
        if name not in LICENCES:
            raise LookupError(f"{distribution.name} brings {file}; read its licence, and add it")
        content = Path(str(distribution.locate_file(file))).read_bytes()
        digest = HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(content).hexdigest())
        made.append(
            Component(
                name=str(file), licenses=[_licence(LICENCES[name])], hashes=[digest], group=name
            )
        )
    return made
