"""Making a page: choose images, lay them out, ask the models, draw, and write one file."""

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from classifiers.data.row_groups import find_rows
from classifiers.models.opening import card_of, name_of
from classifiers.reporting.findings import read_findings
from classifiers.reporting.job import ReportJob
from classifiers.reporting.judging import judged_on
from classifiers.reporting.label_sets import with_label_sets
from classifiers.reporting.page_data import Page
from classifiers.reporting.report import PageReport
from classifiers.reporting.thumbnails import Thumbnails, thumbnails
from pipelines.contract import require_same_contract
from pipelines.drafts import write_whole
from pipelines.errors import UsageError
from pipelines.images.splits import TEST, TRAIN, VALIDATION, split_meant
from pipelines.stores.places import is_remote
from pipelines.table.description import describe_table
from pipelines.table.feature_table import FeatureTable
from pipelines.table.page_files import keep_page


def make_page(job: ReportJob) -> PageReport:
    """Make a page and write it.

    Raises:
        TableError: there is no such table, version or split.
        ContractMismatchError: a model takes other features than the table has.
        UsageError: the audit cannot be read, a model reads images, or `max_bytes` is too little.
        ModelError: there is no such model.
        OSError: the page cannot be written.
    """
    began = time.monotonic()
    groups = [] if job.audit is None else read_findings(job.audit)
    table = FeatureTable.open(job.table, job.table_version)
    for model in job.models:  # before anything takes long
        contract = card_of(model).contract
        if contract is None:
            raise UsageError(
                f"{name_of(model)} reads images, and the page is of heads on features; leave it out"
            )
        require_same_contract(contract, name_of(model), table.contract, table.uri)
    rows = find_rows(table, None, copies=0)
    split = job.split or _held_out(rows.keys)
    of_split = find_rows(table, split, copies=0, option="--split") if job.models else rows
    judged = [judged_on(model, of_split, split) for model in job.models]
    described = replace(describe_table(job.table, table.version), page=None)  # an older one
    page = Page(job, with_label_sets(rows), groups, judged, described)
    pictures = Thumbnails()
    bare = len(page.written(pictures))
    if bare > job.max_bytes:
        raise UsageError(
            f"without a picture the page has {bare:,} bytes already; allow more with --max_bytes, "
            "or show fewer --images"
        )
    room = job.max_bytes - bare - 2_000 - 2 * len(page.ids)  # notes, and commas
    pictures = thumbnails(table, page.by_importance, job.allowed, room)
    content = page.written(pictures)
    if job.output is None:
        location = keep_page(table.uri, table.version, content).location
        output = location if is_remote(location) else Path(location)
    else:
        write_whole(job.output, content)
        output = job.output
    return PageReport(
        output=output,
        bytes=len(content),
        table=table.uri,
        table_version=table.version,
        images=rows.keys.num_rows,
        mapped=page.mapped,
        pictures=len(pictures.pictures),
        without_picture=pictures.missing,
        why=pictures.why,
        models=tuple(
            (each.name, each.report.split, len(each.ids), each.report.measured.accuracy)
            for each in judged
        ),
        findings=dict(Counter(each.kind for each in groups)),
        notes=tuple(page.notes(pictures)),
        seconds=time.monotonic() - began,
    )


def _held_out(keys: pa.Table) -> str:
    """The split to measure on if none is named: test, validation, any but that of training."""
    there = sorted({*keys.column("split").unique().to_pylist()})
    for wanted in (TEST, VALIDATION):
        meant = [each for each in there if each == wanted or split_meant(each) == wanted]
        if meant:
            return str(meant[0])
    others = [each for each in there if split_meant(each) != TRAIN]
    return str((others or there)[0])


def check_output(path: Path) -> Path:
    """The file that a page is to be written to.

    Raises:
        UsageError: it is not HTML by its name, or has no folder to be in.
    """
    if path.suffix not in (".html", ".htm"):
        raise UsageError(f"--output {path}: the page is HTML, name a file.html")
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise UsageError(f"--output {path}: no folder {path.resolve().parent} to write it in")
    return path
