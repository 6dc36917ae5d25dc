"""`python -m supply_chain.pins`: whether all that a release is built from has a fixed content.

A tag can be moved to other content, a digest or a commit cannot.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent

BASE = re.compile(r"^ARG \w+_BASE=(\S+)$|^FROM +(?:--\S+ +)*([^\s$]\S*)", re.MULTILINE)
STAGE = re.compile(r"^FROM .* AS +(\S+) *$", re.MULTILINE | re.IGNORECASE)
USES = re.compile(r"^ *-? *uses: *([^\s#]+)", re.MULTILINE)

DIGEST = re.compile(r"\S+@sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"[^@\s]+@[0-9a-f]{40}")


def movable_bases(dockerfile: str) -> Iterator[str]:
    """The base images of a Dockerfile's text that have no digest."""
    stages = {*STAGE.findall(dockerfile), "scratch"}
    for argument, image in BASE.findall(dockerfile):
        base = argument or image
        if base not in stages and not DIGEST.fullmatch(base):
            yield base


def movable_actions(workflow: str) -> Iterator[str]:
    """The actions of a workflow's text that are no commit; this repository's own are left out."""
    for action in USES.findall(workflow):
        if not action.startswith("./") and not COMMIT.fullmatch(action):
            yield action


def main() -> int:
    """Tell what can be moved; returns 1 if anything can."""
    bases = [*movable_bases((ROOT / "Dockerfile").read_text(encoding="utf-8"))]
    actions = [
        action
        for workflow in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
        for action in movable_actions(workflow.read_text(encoding="utf-8"))
    ]
    for base in bases:
        print(f"Dockerfile: {base} has no digest", file=sys.stderr)
    for action in dict.fromkeys(actions):
        print(f"workflows: {action} is no commit", file=sys.stderr)
    if bases or actions:
        print(
            "Not released: merge Renovate's change that pins these (docs/supply-chain.md)",
            file=sys.stderr,
        )
    return 1 if bases or actions else 0


if __name__ == "__main__":
    sys.exit(main())
