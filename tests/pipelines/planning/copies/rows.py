"""The rows of a table with copies, and those that it should have."""

from dataclasses import replace

from pipelines.driver import extract
from tests.pipelines.test_increments import content


def names(table) -> set[tuple[str, int]]:
    rows = content(table)
    return set(zip(rows["image_id"].to_pylist(), rows["copy"].to_pylist(), strict=True))


def one_run(job, tmp_path, **changes):
    """What one run over the input as it is now makes of a new table."""
    extract(replace(job, table=str(tmp_path / "fresh"), **changes))
    return content(tmp_path / "fresh")
