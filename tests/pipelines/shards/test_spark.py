"""A Spark that cannot be had is told before any work, where Beam would try for a minute."""

import socket

import pytest

from pipelines.errors import UsageError
from pipelines.extract import main
from pipelines.shards.answering import NoAnswerError
from pipelines.shards.spark import check_spark

RUNNER = "--runner=SparkRunner"


def test_other_runners_and_job_servers_elsewhere_are_not_looked_at(monkeypatch, nobody):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    check_spark([])
    check_spark(["--runner=FnApiRunner", f"--spark_master_url=spark://{nobody}"])
    check_spark([RUNNER, "--job_endpoint=jobs:8099"])


@pytest.mark.parametrize("master", [(), ("local",), ("local[*]",), ("local[2,3]",), ("yarn",)])
def test_masters_that_need_nobody_at_an_address(java, master):
    check_spark([RUNNER, *(f"--spark_master_url={each}" for each in master)])


def test_java_and_the_jar_are_missed_at_once(java, monkeypatch):
    with pytest.raises(UsageError, match=r"at --spark_job_server_jar /no\.jar; job_server/spark/"):
        check_spark([RUNNER, "--spark_job_server_jar=/no.jar"])
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(UsageError, match="server for Spark needs Java here; install a runtime"):
        check_spark([RUNNER])


@pytest.mark.parametrize("master", ["127.0.0.1:7077", "sprk://host:7077", "local[", "http://host"])
def test_a_master_that_is_none_of_spark_s(java, master):
    with pytest.raises(UsageError) as refusal:
        check_spark([RUNNER, f"--spark_master_url={master}"])
    assert f"{master} is no master of Spark's; write spark://host:7077" in str(refusal.value)


def test_one_of_several_masters_is_enough(java, nobody):
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = f"127.0.0.1:{server.getsockname()[1]}"
        check_spark([RUNNER, f"--spark_master_url=spark://{nobody},{there}"])
    with pytest.raises(NoAnswerError):
        check_spark([RUNNER, f"--spark_master_url=spark://{nobody},{there}"])


def test_a_submission_over_rest_needs_its_own_address_and_no_java(monkeypatch, nobody):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(UsageError, match="needs --spark_rest_url"):
        check_spark([RUNNER, "--spark_submit_uber_jar"])
    rest = f"--spark_rest_url=http://{nobody}"
    with pytest.raises(NoAnswerError, match="no Spark answers at --spark_rest_url"):
        check_spark([RUNNER, "--spark_submit_uber_jar", rest])


def test_a_spark_that_is_not_there_is_one_line(java, nobody, dataset, tmp_path, capsys):
    flags = [RUNNER, f"--spark_master_url=spark://{nobody}"]
    assert main(["--input", str(dataset), "--table", str(tmp_path / "t"), *flags]) == 1
    assert capsys.readouterr().err == (
        f"error: no Spark answers at --spark_master_url {nobody}: Connection refused; is it up, "
        "and is this its address?\n"
    )
    assert not (tmp_path / "t").exists()
