"""A runner that cannot run anything is told before anything is listed or loaded."""

import socket
import time

import pytest

from pipelines import extract
from pipelines.errors import UsageError
from pipelines.shards.answering import NoAnswerError
from pipelines.shards.beam_flags import check_beam_flags
from pipelines.shards.runner_check import check_runner

DATAFLOW = [
    *["--project=some-project", "--region=europe-west1"],
    *["--temp_location=gs://bucket/temp", "--staging_location=gs://bucket/staged"],
]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--runner=Foo"], "no --runner Foo; Beam has DataflowRunner, "),
        (["--runner", "FlinkRuner"], "no --runner FlinkRuner; did you mean FlinkRunner?"),
        (["--runner=flinkrunner"], "--runner flinkrunner is spelled FlinkRunner"),
        (["--runner=no.such.Runner"], "cannot be loaded: No module named 'no'"),
        (["--runner=json.Runner"], "cannot be loaded: "),
        (["--runner=DataflowRunner"], "Missing required option: project; Missing"),
        (["--runner=DataflowRunner", *DATAFLOW[:1]], "Missing required option: region"),
        (["--runner=PortableRunner", "--job_endpoint=nonsense"], "nonsense is no host:port"),
        (["--runner=PortableRunner", "--job_endpoint=host:port"], "host:port is no host:port"),
    ],
)
def test_a_runner_that_cannot_be(flags, message):
    with pytest.raises(UsageError) as refusal:
        check_runner(flags)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--runner=FnApiRunner", "--direct_num_workers=2"],
        ["--runner=DataflowRunner", *DATAFLOW, "--num_workers=3"],
        ["--runner=FlinkRunner", "--parallelism=3"],
        ["--runner=PortableRunner", "--job_endpoint=embed"],
        ["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"],
    ],
)
def test_a_runner_that_can_be(flags, capsys):
    check_runner(flags)
    assert capsys.readouterr().err == ""


def test_options_without_effect_are_named(capsys):
    check_runner(["--runner=FlinkRunner", "--direct_num_workers=2"])
    assert capsys.readouterr().err == "--direct_num_workers has no effect on FlinkRunner\n"
    check_runner(["--flink_master=x", "--num_workers", "3"])
    assert capsys.readouterr().err == (
        "--flink_master has no effect on FnApiRunner\n--num_workers has no effect on FnApiRunner\n"
    )


def test_an_option_that_only_flink_s_job_server_knows_is_taken(capsys):
    mode = "--execution_mode_for_batch=BATCH_FORCED"
    check_beam_flags([mode], [])
    check_runner(["--runner=FlinkRunner", mode])
    assert capsys.readouterr().err == ""
    check_runner([mode])
    assert capsys.readouterr().err == f"{mode.partition('=')[0]} has no effect on FnApiRunner\n"


def test_a_job_server_that_is_not_there_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
        check_runner(["--runner=PortableRunner", f"--job_endpoint=127.0.0.1:{port}"])
    began = time.monotonic()
    with pytest.raises(NoAnswerError, match="no job server answers at --job_endpoint 127"):
        check_runner(["--runner=PortableRunner", f"--job_endpoint=127.0.0.1:{port}"])
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--runner=Foo", "no --runner Foo"),
        ("--runer=FlinkRunner", "no option --runer=FlinkRunner; did you mean --runner?"),
        ("--direct_num_worker=2", "did you mean --direct_num_workers?"),
        ("--prun", "did you mean --prune?"),
    ],
)
def test_it_is_told_with_nothing_to_do_too(table, dataset, capsys, flag, message):
    where = ["--input", str(dataset), "--table", str(table), "--weights", "random:1"]
    assert extract.main([*where, "--image_size", "32", flag]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("runner", "program", "option"),
    [
        ("FlinkRunner", "Beam's job server for Flink", "flink_job_server_jar"),
        ("SparkRunner", "Beam's job server for Spark", "spark_job_server_jar"),
        ("PrismRunner", "Prism", "prism_location"),
        ("DirectRunner", "Prism", "prism_location"),
    ],
)
def test_a_runner_that_beam_would_fetch_is_refused_where_nothing_may_be(
    monkeypatch, tmp_path, runner, program, option
):
    there = [f"--runner={runner}", f"--{option}={tmp_path}"]
    check_runner(there[:1])
    monkeypatch.setenv("FROZEN_FEATURES_OFFLINE", "1")
    check_runner(there)
    check_runner([])
    check_runner(["--runner=FnApiRunner"])
    for flags in (there[:1], [*there[:1], f"--{option}=https://example.org/x"]):
        with pytest.raises(UsageError) as refusal:
            check_runner(flags)
        assert str(refusal.value) == (
            f"--runner {runner} would fetch {program}, which FROZEN_FEATURES_OFFLINE forbids; "
            f"name a file with --{option}"
        )
