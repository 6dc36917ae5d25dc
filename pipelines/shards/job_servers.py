"""What Beam's job servers, which turn a pipeline into a cluster's own job, need on this machine."""

import os
import shutil
from pathlib import Path

from pipelines.errors import UsageError


def require_java(cluster: str) -> None:
    """Look for the program that runs a job server.

    Args:
        cluster: what the job server is for, for the complaint.

    Raises:
        UsageError: there is no Java.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if found is None:
        raise UsageError(
            f"Beam's job server for {cluster} needs Java here; install a runtime of Java 17"
        )


def require_jar(option: str, jar: str | None, source: str) -> None:
    """Look for a job server's jar, where the user named one that is a file.

    Args:
        option: that names it.
        jar: a path, or an address that Beam fetches it from.
        source: the folder that it is built in, for the complaint.

    Raises:
        UsageError: there is no such file.
    """
    if jar is not None and "://" not in jar and not Path(jar).is_file():
        raise UsageError(f"no job server at {option} {jar}; {source}/ builds it")
