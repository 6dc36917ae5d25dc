"""However the log spells a path, every command takes it for the same file, or for none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import classifiers
from classifiers.data.row_groups import find_rows
from pipelines import describe, forget, tidy, verify
from pipelines.errors import CommitRefusedError, TableError
from pipelines.table.change import Change
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.table.gate import commit_change
from pipelines.table.log_paths import as_delta_decodes, can_be_removed, path_in_table
from tests.pipelines.table.trees import IMAGES, age, edit_log, respell, rows, tree, write_table

VERIFY = ["--sample", "0"]


@pytest.mark.parametrize(
    ("spelled", "path"),
    [
        ("data/my%20file.parquet", "data/my file.parquet"),
        ("data/my file.parquet", "data/my file.parquet"),
        ("data/./x.parquet", "data/x.parquet"),
        ("data//x.parquet", "data/x.parquet"),
        ("./data/x.parquet", "data/x.parquet"),
        ("data%2Fx.parquet", "data/x.parquet"),
        ("data/a%2520b.parquet", "data/a%20b.parquet"),
        ("data/100%.parquet", "data/100%.parquet"),
        ("data/%C3%BC.parquet", "data/ü.parquet"),
        ("x:y/z.parquet", "x:y/z.parquet"),
        ("a..b/c.parquet", "a..b/c.parquet"),
    ],
)
def test_one_spelling_of_a_path(spelled, path):
    assert path_in_table(spelled) == path


@pytest.mark.parametrize(
    "spelled",
    [
        *("../x.parquet", "data/../../x.parquet", "data/%2e%2e/x.parquet", "..%2Fx.parquet"),
        *("/etc/passwd", "%2Fetc%2Fpasswd", "file:///etc/passwd", "file:/etc/passwd"),
        *("http://attacker/x.parquet", "s3://bucket/x.parquet", "s3%3A//bucket/x.parquet"),
        *("", ".", "/", "data/%00.parquet", "data/%FF.parquet"),
    ],
)
def test_what_is_no_path_below_the_table(spelled):
    with pytest.raises(ValueError, match=r"."):
        path_in_table(spelled)


@given(st.text("ab/.%2eEFf: ~", max_size=12))
def test_a_path_lies_below_the_table_or_is_none(spelled):
    try:
        path = path_in_table(spelled)
    except ValueError:
        return
    root = Path("/table")
    assert (root / path).resolve().is_relative_to(root)
    assert (root / path).resolve() == root / path
    assert path == "/".join(p for p in as_delta_decodes(spelled).split("/") if p not in ("", "."))


SPELLINGS = {
    "./": lambda path: f"./{path}",
    "//": lambda path: path.replace("/", "//"),
    "/./": lambda path: path.replace("/", "/./"),
    "%2D": lambda path: path.replace("-", "%2D"),
    "%2F": lambda path: path.replace("/", "%2F"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_command_reads_a_file_that_is_spelled_differently(small, spelling, capsys):
    held = rows(small)
    respell(small, SPELLINGS[spelling])
    age(small)
    assert rows(small) == held
    assert classifiers.load(str(small)).ids.tolist() == list(IMAGES)
    assert find_rows(FeatureTable.open(str(small)), "train").keys.num_rows == len(IMAGES)
    assert describe.main(["--table", str(small)]) == 0
    table = FeatureTable.open(str(small))
    assert set(table.keys()["path"].to_pylist()) == set(table.paths)
    findings = verify.work(verify.make_parser().parse_args(["--table", str(small), *VERIFY]))
    assert findings.findings == ()
    # Merged where that can be said, and whole in any case.
    assert tidy.main(["--table", str(small), "--retention_days", "0"]) == 0
    assert rows(small) == held
    status = forget.main(["--table", str(small), "--image_id", IMAGES[0]])
    said = capsys.readouterr().err
    if status:
        assert "cannot leave the table: the log spells it" in said
        assert rows(small) == held
    else:
        assert rows(small) == {name: row for name, row in held.items() if name != IMAGES[0]}


def test_a_name_with_blanks_is_read_and_removed(small):
    (old,) = (small / path for path in FeatureTable.open(str(small)).paths if "data/" in path)
    old.rename(small / "data/my file.parquet")
    edit_log(small, 6, lambda line: line.get("add") and line["add"].update(
        path="data/my%20file.parquet"
    ))  # fmt: skip
    held = rows(small)
    age(small)
    assert tidy.main(["--table", str(small), "--retention_days", "0"]) == 0
    assert rows(small) == held
    # It was merged, and so is a file that the log has removed.
    assert not (small / "data/my file.parquet").exists()


def test_spellings_that_a_commit_can_remove():
    for spelled in (
        "data/x.parquet",
        "data/my%20file.parquet",
        "data//x",
        "data/%C3%BC",
        "a~b+c@d",
    ):
        assert can_be_removed(spelled)
    for spelled in ("data/my file.parquet", "data%2Fx", "data/%2Dx", "data/ü", "data/%c3%bc"):
        assert not can_be_removed(spelled)


def test_a_file_whose_spelling_cannot_be_removed_is_not_taken_out(small):
    respell(small, SPELLINGS["%2F"])
    table = FeatureTable.open(str(small))
    leaving = [path for path in table.paths if path.startswith("data/")]
    with pytest.raises(CommitRefusedError, match="the log spells it 'data%2F"):
        commit_change(table.state(table.names()), Change([], leaving, {}))


OUTSIDE = ["../secret.parquet", "data/../../secret.parquet", "data/%2e%2e/%2e%2e/secret.parquet"]
ELSEWHERE = [
    "{root}/secret.parquet",
    "file://{root}/secret.parquet",
    "http://127.0.0.1:9/x.parquet",
]


@pytest.fixture
def pointing(small, tmp_path):
    """A table whose log can be made to name a file outside, of rows that look like its own."""
    own = next(path for path in FeatureTable.open(str(small)).paths if path.startswith("data/"))
    (small / own).rename(tmp_path / "secret.parquet")

    def point(spelled: str) -> Path:
        edit_log(small, 6, lambda line: line.get("add") and line["add"].update(path=spelled))
        return small

    return point


def refused_everywhere(table: Path, said: str, capsys) -> None:
    before = tree(table.parent)
    commands = [
        lambda: describe.main(["--table", str(table)]),
        lambda: tidy.main(["--table", str(table), "--retention_days", "0"]),
        lambda: forget.main(["--table", str(table), "--image_id", IMAGES[0]]),
    ]
    for command in commands:
        assert command() == 1
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
    with pytest.raises(TableError, match=said):
        classifiers.load(str(table))
    report = verify.work(verify.make_parser().parse_args(["--table", str(table), *VERIFY]))
    assert [said in finding.what for finding in report.findings].count(True) == 1
    assert report.status == 1
    capsys.readouterr()
    assert tree(table.parent) == before


@pytest.mark.parametrize("spelled", [*OUTSIDE, *ELSEWHERE])
def test_a_file_outside_of_the_table_is_a_finding_and_is_not_read(pointing, spelled, capsys):
    table = pointing(spelled.format(root=str(Path(pointing("x")).parent)))
    refused_everywhere(table, "it is not read", capsys)


@pytest.mark.parametrize("at", ["data/link.parquet", "linked/secret.parquet"])
def test_a_link_out_of_the_table_is_a_finding_and_is_not_followed(pointing, at, capsys):
    table = pointing(at)
    if at.startswith("data"):
        (table / at).symlink_to(table.parent / "secret.parquet")
    else:
        (table / "linked").symlink_to(table.parent)
    refused_everywhere(table, "is a link that leads out of the table's folder", capsys)


def test_a_link_that_stays_in_the_table_is_followed(pointing):
    table = pointing("data/link.parquet")
    (table.parent / "secret.parquet").rename(table / "kept.parquet")
    (table / "data/link.parquet").symlink_to(table / "kept.parquet")
    assert sorted(rows(table)) == sorted(IMAGES)
    age(table)
    assert tidy.main(["--table", str(table), "--retention_days", "0"]) == 0
    assert sorted(rows(table)) == sorted(IMAGES)
    assert (table / "kept.parquet").exists()


def test_one_file_under_two_spellings_is_refused(small, capsys):
    own = next(path for path in FeatureTable.open(str(small)).paths if path.startswith("data/"))

    def twice(line) -> None:
        if line.get("add"):
            line["add"]["path"] = own.replace("/", "/./")

    table = FeatureTable.open(str(small))
    log = small / "_delta_log"
    (log / f"{7:020d}.json").write_bytes((log / f"{6:020d}.json").read_bytes())
    edit_log(small, 7, twice)
    assert FeatureTable.open(str(small)).version == table.version + 1
    refused_everywhere(small, "is in the log twice", capsys)


def test_failures_are_not_read_from_outside(small, tmp_path):
    write_table(small / "_failures", small.parent / "images")
    (tmp_path / "secret.parquet").write_bytes(b"")
    edit_log(
        small / "_failures",
        6,
        lambda line: line.get("add") and line["add"].update(path="../../secret.parquet"),
    )
    with pytest.raises(TableError, match=r"'\.\./\.\./secret\.parquet' leads out"):
        read_failures(str(small))
