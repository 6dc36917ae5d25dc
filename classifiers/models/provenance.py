"""When a model was made, and with what."""

import platform
from datetime import UTC, datetime

from pipelines.system.versions import installed_versions

RECORDED_PACKAGES = (
    "frozen-features",
    "tensorflow",
    "keras",
    "scikit-learn",
    "skops",
    "numpy",
    "pyarrow",
)


def now() -> str:
    """The time as ISO 8601 (UTC), in whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def library_versions() -> dict[str, str]:
    """Versions of Python and of what trains models, as far as it is installed."""
    return {"python": platform.python_version(), **installed_versions(RECORDED_PACKAGES)}
