"""The tables beside the one that a head is trained on."""

from classifiers.data.side_by_side import Beside
from classifiers.from_features.job import TrainJob
from classifiers.models.card import BesideCard
from pipelines.errors import UsageError
from pipelines.table.feature_table import FeatureTable


def open_beside(job: TrainJob, table: FeatureTable) -> Beside:
    """Open the tables that a training names beside its own.

    Raises:
        UsageError: a table is named twice, or the head goes on with a base.
        TableError: there is no such table.
    """
    if job.also and job.head.name == "finetune":
        raise UsageError(
            "--also_table has no meaning with --head finetune, which trains the end of one base; "
            "leave it out, or use another head"
        )
    if job.also and job.pooling != "none":
        raise UsageError(
            f"--pooling {job.pooling} is for the features of one table; leave it out, or extract "
            f"tables with --pooling {job.pooling} to put side by side"
        )
    beside = Beside(tuple(map(FeatureTable.open, job.also)))
    uris = [each.uri for each in (table, *beside.tables)]
    twice = next((uri for uri in uris if uris.count(uri) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} is named twice; its features beside themselves tell no more")
    return beside


def beside_cards(beside: Beside) -> tuple[BesideCard, ...]:
    """What a card says of the tables beside the first."""
    return tuple(
        BesideCard(each.uri, each.version, each.contract, each.contract.contract_id)
        for each in beside.tables
    )
