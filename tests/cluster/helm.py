"""Helm at a pinned version, and what it makes of the chart."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.go_programs import go_program
from tests.cluster.manifests import Document

NAMESPACE = "frozen-features"

Values = Mapping[str, Any]


def helm(
    *arguments: object, values: Values | None = None, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run Helm to its end.

    Args:
        arguments: of its command line; a chart is named among them.
        values: those of a file of values.
        environment: all variables that it gets besides a PATH.
    """
    given = [] if values is None else ["--values", "-"]
    return subprocess.run(
        [go_program("helm"), *map(str, arguments), *given],
        input=json.dumps(values),
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def charted(chart: Path, values: Values) -> list[Document]:
    """All objects of the chart with these values."""
    done = helm("template", "release", chart, "--namespace", NAMESPACE, values=values)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.load_all(done.stdout, yaml.CSafeLoader) if each]


def refusal(chart: Path, values: Values) -> str:
    """What Helm says of values that the chart does not take."""
    done = helm("template", "release", chart, "--namespace", NAMESPACE, values=values)
    assert done.returncode != 0
    assert done.stdout == ""
    return done.stderr
