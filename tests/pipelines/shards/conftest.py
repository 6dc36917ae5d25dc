"""What a check of a cluster meets on this machine: a Java, and an address without anybody."""

import socket

import pytest


@pytest.fixture
def java(tmp_path, monkeypatch):
    """Something that looks like Java to who only looks for it."""
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))


@pytest.fixture
def nobody():
    """A port of loopback where nobody listens, and nobody else can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"
