"""Which versions of the libraries made a result."""

from importlib import metadata


def installed_versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Versions of those packages that are installed, by name."""
    versions = {}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
