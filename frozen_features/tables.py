"""Looking at tables, checking them, keeping them small."""

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Unpack

from frozen_features.keywords import LayoutOptions, Location, arguments, parse_keywords
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from pipelines.describe import BaseList, LayerList
    from pipelines.doctor import DoctorReport
    from pipelines.table.compaction import Tidied
    from pipelines.table.description import TableDescription
    from pipelines.table.erasure import Forgotten
    from pipelines.table.verify_report import VerifyReport


@without_secrets
def describe(table: Location, *, table_version: int | None = None) -> "TableDescription":
    """Say what a table holds: its contract, its rows, its commits, the images that failed.

    Args:
        table: the table's location.
        table_version: an older version; the newest when None.

    Raises:
        TableError: there is no such table or version.
    """
    given = locals()
    from pipelines import describe as command
    from pipelines.table.description import describe_table

    options = parse_keywords(command.make_parser(), given)
    return describe_table(options.table, options.table_version)


@without_secrets
def bases() -> "BaseList":
    """List the bases that features can be made with by name."""
    from pipelines.describe import BaseList

    return BaseList()


@without_secrets
def base_layers(file: Location) -> "LayerList":
    """List the layers at which a base that is a file can be cut.

    Args:
        file: an ONNX file, a `.keras` file or a model folder.

    Raises:
        UsageError: there is no such file.
        BaseFileError: it is no base.
    """
    from pipelines.describe import list_layers

    return list_layers(os.fspath(file))


@without_secrets
def verify(
    table: Location,
    *,
    table_version: int | None = None,
    input: Location | None = None,
    input_root: Location | None = None,
    sample: int | str = 64,
    seed: int | str = 0,
    weights: Location = "imagenet",
    allow_uri: Location | Sequence[Location] | None = None,
    metrics_file: Location | None = None,
    push_metrics: str | None = None,
    **layout: Unpack[LayoutOptions],
) -> "VerifyReport":
    """Check whether a table is what it claims to be.

    Args:
        table: the table's location.
        table_version: an older version; the newest when None.
        input: folder or manifest to hold all rows against; none when None.
        input_root: folder that a manifest's paths are relative to.
        sample: rows to extract again, drawn at random, or "all".
        seed: of the draw; "today" for another draw every day.
        weights: "imagenet", "random", "random:SEED", or a weights file.
        allow_uri: without `input`, folders or prefixes whose images may be opened, besides the one
            that this user extracted.
        metrics_file: a .prom file for the findings' numbers, which Prometheus's collectors read.
        push_metrics: URL of a Pushgateway for them.

    Returns:
        The report: all is well when both its `findings` and what was `unchecked`, for a reason
        outside of the table, are empty.

    Raises:
        TableError: there is no such table or version.
        UsageError: an argument is wrong.
    """
    given = arguments(locals())
    from pipelines import verify as command

    return command.work(parse_keywords(command.make_parser(), given))


@without_secrets
def tidy(table: Location, *, retention_days: float = 7.0, release_models: bool = False) -> "Tidied":
    """Merge a table's small files, and remove orphans and versions past their time.

    Args:
        table: the table's location.
        retention_days: how long replaced versions stay readable and uncommitted files wait; no
            run may take longer.
        release_models: let go of versions that models were trained on, too.

    Raises:
        TableError: there is no such table.
        UsageError: an argument is wrong.
    """
    given = locals()
    from pipelines import tidy as command

    return command.work(parse_keywords(command.make_parser(), given))


@without_secrets
def forget(table: Location, image_ids: Iterable[str]) -> "Forgotten":
    """Delete images from a table for good, old versions included.

    Args:
        table: the table's location.
        image_ids: ids of images.

    Raises:
        TableError: there is no such table.
        UsageError: no image is named, or a text is given for the list of ids.
        CommitRefusedError: another run committed meanwhile; nothing was deleted.
    """
    from pipelines.errors import UsageError
    from pipelines.forget import forget_ids

    ids = [] if isinstance(image_ids, str) else list(image_ids)
    if not ids:
        raise UsageError("image_ids names no image; give a list of ids")
    return forget_ids(os.fspath(table), ids)


@without_secrets
def doctor(*, base: str = "VGG16") -> "DoctorReport":
    """Say what is installed here and what would be used: versions, cores, engines, weights, stores.

    Nothing is asked of the network, and no secret is read or shown.

    Args:
        base: whose ImageNet weights to look for.

    Raises:
        UsageError: there is no such base.
    """
    given = locals()
    from pipelines import doctor as command

    return command.work(parse_keywords(command.make_parser(), given))
