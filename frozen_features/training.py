"""Training heads on stored features, or networks on images."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Unpack

from frozen_features.keywords import LayoutOptions, Location, arguments, parse_keywords
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from classifiers.models.reports import TrainReport


@without_secrets
def train(  # noqa: D417 - the settings of heads are explained by the command's --help
    table: Location | None = None,
    *,
    model: Location,
    head: str = "dense",
    from_images: Location | None = None,
    table_version: int | None = None,
    overwrite: bool = False,
    train_split: str = "train",
    validation_split: str | None = None,
    copies: int | None = None,
    class_weight: str | Mapping[str, float] = "none",
    seed: int = 0,
    memory: str | int | None = None,
    learning_rate: float | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    units: int | None = None,
    dropout: float | None = None,
    keep: str | None = None,
    patience: int | None = None,
    checkpoint_every: float | str = 10.0,
    momentum: float | None = None,
    decay: float | None = None,
    top: str | None = None,
    head_learning_rate: float | None = None,
    head_epochs: int | None = None,
    unfreeze: str | None = None,
    weights: Location | None = None,
    calibrate: bool = False,
    threshold: str | None = None,
    coverage: float | None = None,
    C: float | None = None,  # noqa: N803 - as scikit-learn has it
    input_root: Location | None = None,
    image_size: int | None = None,
    interpolation: str | None = None,
    orientation: str | None = None,
    base: str | None = None,
    preprocessing: str | None = None,
    augmented: bool | None = None,
    rotation: float | None = None,
    width_shift: float | None = None,
    height_shift: float | None = None,
    shear: float | None = None,
    zoom: float | None = None,
    horizontal_flip: bool | None = None,
    fill: str | None = None,
    **layout: Unpack[LayoutOptions],
) -> "TrainReport":
    """Fit a head on stored features, or a network on images, and write its model folder.

    The arguments are the options of `frozen-features train`, whose `--help` says which of them
    each head has a use for and what it has if not given.

    Args:
        table: the feature table; None with `from_images`.
        model: folder to write.
        head: kind of head: dense, softmax, finetune, logistic, linear_svm, rbf_svm; with
            `from_images` convnet, dense, finetune.
        from_images: folder or manifest of images, for the ways that store no features.
        table_version: an older version; the newest when None.
        overwrite: replace a model that is there.
        train_split: split to train on.
        validation_split: split to validate on; "validation" if the table has it when None.
        copies: augmented copies of an image to train on at most; all of them when None.
        class_weight: "none", "balanced", or a weight by class name.
        seed: of every random choice.
        memory: most memory for features or images, as "8G" or in bytes; half of what the process
            may use when None.
        calibrate: whether to fit probabilities on the split validated on.
        threshold: "f1", "precision=0.99", "recall=0.99" or "cost=FP:FN", of each class there.
        coverage: share of new images whose set of classes is to hold the true one.
        keep: of a network, the epoch whose weights are kept: "last" (also when None) or "best".
        patience: of a network, epochs without a lower validation loss that end the training.
        checkpoint_every: seconds between two states that a stopped training goes on from; "none" to
            keep none.

    Returns:
        The report; its `model` is the folder, its `card` what `card.json` says.

    Raises:
        UsageError: an argument is wrong, or the model's folder is taken.
        TableError: there is no such table or split.
        ModelError: the training diverged.
    """
    given = arguments(locals())
    from classifiers import train as command

    return command.work(parse_keywords(command.make_parser(), given))
