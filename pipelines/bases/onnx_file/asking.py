"""Asking a process of its own about an ONNX file, which nothing here opens itself."""

import json
import subprocess
from typing import Any

from pipelines.errors import BaseFileError, UsageError
from pipelines.system.lifeline import lifeline
from pipelines.system.own_python import python_module, with_our_path

LIMIT_SECONDS = 300
CHILD = "pipelines.bases.onnx_file.child"
_USAGE_STATUS, _FILE_STATUS = 2, 3


def ask(do: str, path: str, **said: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
    """Have something done with a file.

    Args:
        do: a name of `pipelines.bases.onnx_file.child.DOINGS`.
        path: the file.
        said: what else that takes.

    Raises:
        BaseFileError: the file is no base, or ended the process that looked at it.
        UsageError: it does not have what is asked for.
    """
    return _answered(json.dumps({"do": do, "path": path, **said}), path)


def _answered(request: str, path: str) -> dict[str, Any]:
    try:
        with lifeline() as stdin:
            done = subprocess.run(
                [*python_module(CHILD), request],
                stdin=stdin,
                capture_output=True,
                timeout=LIMIT_SECONDS,
                check=False,
                text=True,
                errors="replace",
                env=with_our_path(),
            )
    except subprocess.TimeoutExpired as error:
        raise BaseFileError(f"{path} was not read after {LIMIT_SECONDS} s") from error
    lines = done.stderr.strip().splitlines() or [""]
    if done.returncode == _USAGE_STATUS:
        raise UsageError(lines[-1])
    if done.returncode == _FILE_STATUS:
        raise BaseFileError(lines[-1])
    if done.returncode != 0:
        raise BaseFileError(
            f"{path} cannot be read: it ended the process that looked at it, with status "
            f"{done.returncode} ({lines[-1]})"
        )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
