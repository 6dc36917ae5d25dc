"""Where no claim is mounted, a place on the pod's own disk is refused before any work."""

import pytest

from classifiers import evaluate, predict, promote, train
from pipelines import describe, extract, tidy
from pipelines.errors import UsageError
from pipelines.lost_places import OPTIONS, VARIABLE, refuse_lost_places

ON_DISK = (
    (extract, ["--input", "/images", "--table", "s3://b/t"], "--input /images"),
    (extract, ["--input", "gs://b/i", "--table", "/table/features"], "--table /table/features"),
    (tidy, ["--table", "table"], "--table table"),
    (describe, ["--table", "/table/features"], "--table /table/features"),
    (
        train,
        ["--table", "s3://b/t", "--head", "dense", "--model", "/models/dense"],
        "--model /models/dense",
    ),
    (evaluate, ["--table", "s3://b/t", "--model", "/models/dense@2"], "--model /models/dense@2"),
    (
        predict,
        ["--table", "s3://b/t", "--model", "s3://b/m", "--output", "/models/p.parquet"],
        "--output /models/p.parquet",
    ),
    (
        promote,
        ["--model", "s3://b/c", "--to", "/models/dense"],
        "--to /models/dense",
    ),
)


@pytest.fixture
def buckets_only(monkeypatch):
    monkeypatch.setenv(VARIABLE, "buckets")


@pytest.mark.parametrize(("command", "options", "named"), ON_DISK)
@pytest.mark.usefixtures("buckets_only")
def test_a_command_names_the_option_and_does_nothing(command, options, named, capsys):
    assert command.main(options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {named} is on this pod's own disk")
    assert "s3://... or gs://..." in line


@pytest.mark.parametrize(("command", "options", "named"), ON_DISK)
def test_elsewhere_disks_are_as_good(command, options, named):
    """The same options are taken by the parser where nothing says that disks are lost."""
    parsed, _ = command.make_parser().parse_known_args(options)
    option, _, place = named.removeprefix("--").partition(" ")
    assert str(getattr(parsed, option)) == place


@pytest.mark.usefixtures("buckets_only")
def test_buckets_and_the_web_are_no_disk():
    places = ["s3://b/t", "gs://b/t", "https://example.com/manifest.csv", None]
    for place in places:
        for name in OPTIONS:
            refuse_lost_places({name: place})
            refuse_lost_places({name: [place]})
    with pytest.raises(UsageError, match="--also_table t is on"):
        refuse_lost_places({"also_table": ["s3://b/t", "t"]})


def test_a_variable_that_says_something_else_is_told(monkeypatch):
    monkeypatch.setenv(VARIABLE, "bucket")
    with pytest.raises(UsageError, match="'bucket'; it is buckets"):
        refuse_lost_places({})
