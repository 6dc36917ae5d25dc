"""The Go modules that Beam's boot program is made of."""

from pathlib import Path

from cyclonedx.model import Property
from cyclonedx.model.component import Component
from packageurl import PackageURL

LIST = "opt/apache/beam/boot-modules.txt"
"""What `go version -m` says of the program; the Dockerfile writes it."""

MODULE, DEPENDENCY, REPLACEMENT = "mod", "dep", "=>"


def go_modules(root: Path) -> list[Component]:
    """Every module with its sum, as Go's checksum database has it; none if there is no boot.

    Args:
        root: the image's root folder.
    """
    if not (root / LIST).exists():
        return []
    first, *lines = (root / LIST).read_text(encoding="utf-8").splitlines()
    made = [_component("stdlib", first.rpartition(" go")[2])]
    for line in lines:
        kind, *words = line.split()
        if kind == REPLACEMENT:
            made.pop()
        if kind in (MODULE, DEPENDENCY, REPLACEMENT):
            made.append(_component(*words))
    return made


def _component(path: str, version: str, checksum: str = "") -> Component:
    namespace, _, name = path.rpartition("/")
    return Component(
        name=path,
        version=version,
        purl=PackageURL("golang", namespace or None, name, version),
        properties=[Property(name="go:sum", value=checksum)] if checksum else (),
    )
