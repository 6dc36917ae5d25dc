import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines.errors import UsageError
from pipelines.extract import main
from pipelines.shards.answering import NoAnswerError
from pipelines.shards.flink import cancel_jobs, check_flink


def test_other_runners_are_not_looked_at(nobody, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    check_flink([])
    check_flink(["--runner=FnApiRunner", f"--flink_master={nobody}"])


def test_a_job_server_elsewhere_needs_no_java_here(monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    check_flink(["--runner=FlinkRunner", "--job_endpoint=jobs:8099"])


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
    with pytest.raises(NoAnswerError):
        check_flink(flags)
    assert main(["--input", str(dataset), "--table", str(tmp_path / "t"), *flags]) == 1
    line = (
        f"error: no Flink answers at --flink_master {nobody}: Connection refused; is it up, and is "
    )
    line += "this its address?\n"
    assert capsys.readouterr().err == line
    assert not (tmp_path / "t").exists()


def test_a_master_that_is_no_address(java):
    with pytest.raises(UsageError, match="is no host:port"):
        check_flink(["--runner=FlinkRunner", "--flink_master=host:port"])


def test_only_the_jobs_of_that_name_that_run_are_cancelled(monkeypatch):
    """Against something that answers as Flink 1.19 does, and remembers what it was asked."""
    jobs = [
        {"jid": "a", "name": "mine", "end-time": -1},
        {"jid": "b", "name": "mine", "end-time": 1795318061315},
        {"jid": "c", "name": "another's", "end-time": -1},
    ]
    asked = []
    answers = iter([[], jobs])  # the job is on its way when it is first asked for

    class Flink(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(json.dumps({"jobs": next(answers)}).encode())

        def do_PATCH(self):
            asked.append(self.path)
            self.answer(b"{}")

        def answer(self, body):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    monkeypatch.setattr("pipelines.shards.flink.CANCEL_PAUSE", 0.0)
    with HTTPServer(("127.0.0.1", 0), Flink) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            cancel_jobs(f"127.0.0.1:{server.server_port}", "mine")
        finally:
            server.shutdown()
            thread.join()
    assert asked == ["/jobs/a?mode=cancel"]
