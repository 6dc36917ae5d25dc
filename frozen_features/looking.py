"""Looking at the images of a table through their features."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from frozen_features.keywords import LayoutOptions, Location, arguments, parse_keywords
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from classifiers.drifting.report import DriftReport
    from classifiers.nearest.report import NeighboursReport


@without_secrets
def neighbours(
    table: Location,
    *,
    id: str | None = None,
    input: Location | None = None,
    k: int = 10,
    split: str | None = None,
    table_version: int | None = None,
    input_root: Location | None = None,
    weights: Location | None = None,
    index: bool = False,
    memory: str | int | None = None,
    output: Location | None = None,
    page: Location | None = None,
    allow_uri: Location | Sequence[Location] | None = None,
    overwrite: bool = False,
    **layout: Unpack[LayoutOptions],
) -> "NeighboursReport":
    """Find the stored images whose pooled features are nearest by cosine.

    Args:
        table: the feature table.
        id: of an image that the table holds; it is not its own neighbour.
        input: an image, or a folder or manifest of images, which go through the table's base.
        k: how many neighbours, 1 or more; all there are if there are fewer.
        split: search in this split only.
        table_version: an older version; the newest when None.
        input_root: with a manifest: folder that its paths are relative to.
        weights: with `input`: "imagenet" (when None), "random", "random:SEED", or a weights file.
        index: whether to ask an index, which is built if there is none and kept in the table's
            folder; its recall is in the report's `index`.
        memory: most memory for the table's vectors, as "8G" or in bytes; half of what the process
            may use when None.
        output: a .parquet file for the rows.
        page: a .html file for them with the pictures.
        allow_uri: with `page`: folders or prefixes whose images may be opened, besides the one that
            this user extracted.
        overwrite: replace files that are there.

    Returns:
        The report; its `rows` are a table of Arrow's with columns query, rank, image_id, label,
        split, uri and cosine. An image that cannot be used is in `unusable`.

    Raises:
        UsageError: not exactly one of `id` and `input` is given, or the table has no such image.
        TableError: there is no such table or split, or its features are no finite numbers.
        InputError: the input cannot be listed.
        WeightsError: the base's weights are not those of the table's features.
    """
    given = arguments(locals())
    from classifiers import neighbours as command

    return command.work(parse_keywords(command.make_parser(), given))


@without_secrets
def drift(
    table: Location,
    *,
    table_version: int | None = None,
    split: str | None = None,
    against: Location | None = None,
    against_version: int | None = None,
    against_split: str | None = None,
    alpha: float = 0.05,
    permutations: int = 999,
    moved: int = 10,
    seed: int = 0,
    metrics_file: Location | None = None,
    push_metrics: str | None = None,
) -> "DriftReport":
    """Compare two sets of images by their pooled features.

    Args:
        table: the feature table.
        table_version: an older version; the newest when None.
        split: a split of it; all images when None.
        against: table of the images before, of the same contract; the same when None.
        against_version: its version; the newest when None.
        against_split: its split; `split` when None.
        alpha: greatest probability of an alarm where nothing drifted, above 0 and below 1.
        permutations: of each test.
        moved: how many images that moved most to name.
        seed: of every random choice.
        metrics_file: a .prom file for the tests' numbers, which Prometheus's collectors read.
        push_metrics: URL of a Pushgateway for them.

    Returns:
        The report: `classifier` and `mmd` have a `statistic` and a p-value `p`, `classes` the same
        of each class, `moved` the images that moved most; `alarms` are "drift" or "classes".

    Raises:
        UsageError: both sides are the same images.
        ContractMismatchError: the tables are not of one contract.
        TableError: there is no such table, version or split, one has too few images, or its
            features are no finite numbers.
    """
    given = dict(locals())
    from classifiers import drift as command

    return command.work(parse_keywords(command.make_parser(), given))
