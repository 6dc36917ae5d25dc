"""A release takes nothing whose name can be moved to other content."""

import json
import re
import subprocess
import sys

import pytest

from supply_chain.pins import ROOT, main, movable_actions, movable_bases

DIGEST = f"sha256:{'0a' * 32}"
DOCKERFILE = f"""
ARG PYTHON_BASE=python:3.11@{DIGEST}
ARG GO_BASE=golang:1.26
ARG PACKAGES=packages
ARG SHORT_BASE=python@sha256:0a0a
FROM ${{PYTHON_BASE}} AS packages
FROM --platform=linux/amd64 debian:12 AS other
FROM busybox@{DIGEST}
FROM other
FROM scratch
FROM ${{PACKAGES}} AS last
"""
COMMIT = "0123456789abcdef" * 2 + "01234567"
WORKFLOW = f"""
    steps:
      - uses: actions/checkout@{COMMIT} # v4
      - name: Python
        uses: actions/setup-python@v5
      - uses: ./ours
      - uses: other/action@{COMMIT[:12]}
"""


def test_bases_without_a_digest_are_found():
    assert [*movable_bases(DOCKERFILE)] == ["golang:1.26", "python@sha256:0a0a", "debian:12"]


def test_actions_that_are_no_commit_are_found():
    assert [*movable_actions(WORKFLOW)] == [
        "actions/setup-python@v5",
        f"other/action@{COMMIT[:12]}",
    ]


def test_every_base_and_every_action_is_looked_at(capsys, tmp_path, monkeypatch):
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    bare = re.sub("@sha256:[0-9a-f]{64}", "", dockerfile)
    assert len([*movable_bases(bare)]) == 4
    monkeypatch.setattr("supply_chain.pins.ROOT", tmp_path)
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    (tmp_path / ".github/workflows/release.yml").write_text(WORKFLOW, encoding="utf-8")
    assert main() == 1
    told = capsys.readouterr().err
    assert "Dockerfile: golang:1.26 has no digest" in told
    assert "workflows: actions/setup-python@v5 is no commit" in told
    (tmp_path / "Dockerfile").write_text(f"FROM busybox@{DIGEST}\n", encoding="utf-8")
    (tmp_path / ".github/workflows/release.yml").write_text(WORKFLOW[:96], encoding="utf-8")
    assert main() == 0


def test_the_bot_pins_what_a_release_asks_for():
    said = json.loads((ROOT / ".github/renovate.json").read_text(encoding="utf-8"))
    assert {"docker:pinDigests", "helpers:pinGitHubActionDigests"} <= set(said["extends"])
    assert {"dockerfile", "github-actions"} <= set(said["enabledManagers"])


@pytest.mark.acceptance
@pytest.mark.parametrize("lock", ["trainer", "worker-gpu", "dataflow"])
def test_the_locks_are_what_pip_audit_takes(lock):
    """Without a network: it reads the lock, hashes and all, and says how much it would ask for."""
    arguments = [
        "--strict",
        "--disable-pip",
        "--require-hashes",
        "--dry-run",
        "--progress-spinner=off",
    ]
    command = [sys.executable, "-m", "pip_audit", *arguments, "-r", f"container/{lock}.lock"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pinned = (ROOT / f"container/{lock}.lock").read_text(encoding="utf-8").count("==")
    assert f"would have audited {pinned} packages" in done.stderr
