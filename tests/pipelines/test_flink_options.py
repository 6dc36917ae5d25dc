import socket

import pytest

from pipelines.errors import UsageError
from pipelines.extract import main
from pipelines.flink import ClusterError, check_flink


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


def test_other_runners_are_not_looked_at(nobody, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    check_flink([])
    check_flink(["--runner=FnApiRunner", f"--flink_master={nobody}"])


def test_java_is_missed_at_once(monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(UsageError, match="needs Java here"):
        check_flink(["--runner=FlinkRunner"])
    check_flink(["--runner=FlinkRunner", "--flink_submit_uber_jar"])


def test_the_jar_is_missed_at_once(java):
    with pytest.raises(UsageError, match=r"no job server at --flink_job_server_jar /no\.jar"):
        check_flink(["--runner", "FlinkRunner", "--flink_job_server_jar", "/no.jar"])


def test_a_cluster_that_answers(java):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for master in (f"127.0.0.1:{port}", f"http://127.0.0.1:{port}/"):
            check_flink(["--runner=FlinkRunner", f"--flink_master={master}"])


def test_a_cluster_that_is_not_there_is_one_line(java, nobody, dataset, tmp_path, capsys):
    flags = ["--runner=FlinkRunner", f"--flink_master={nobody}"]
    with pytest.raises(ClusterError):
        check_flink(flags)
    assert main(["--input", str(dataset), "--table", str(tmp_path / "t"), *flags]) == 1
    line = f"error: no Flink answers at --flink_master {nobody}: Connection refused\n"
    assert capsys.readouterr().err == line
    assert not (tmp_path / "t").exists()


def test_a_master_that_is_no_address(java):
    with pytest.raises(UsageError, match="is no host:port"):
        check_flink(["--runner=FlinkRunner", "--flink_master=host:port"])
