"""Training heads on stored features, or networks on images."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Unpack

from frozen_features.keywords import LayoutOptions, Location, arguments, parse_keywords
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from classifiers.models.reports import TrainReport
    from classifiers.models.several.reports import SeveralTrainReport
    from classifiers.searching.report import SearchReport


@without_secrets
def train(  # noqa: D417 - the settings of heads are explained by the command's --help
    table: Location | None = None,
    *,
    model: Location,
    head: str = "dense",
    from_images: Location | None = None,
    also_table: Location | Sequence[Location] | None = None,
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
    calibrate_by: str | None = None,
    calibrate_on: str | None = None,
    threshold: str | None = None,
    coverage: float | None = None,
    C: float | None = None,  # noqa: N803 - as scikit-learn has it
    scaler: str | None = None,
    k: int | None = None,
    temperature: float | None = None,
    pooling: str | None = None,
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
) -> "TrainReport | SeveralTrainReport":
    """Fit a head on stored features, or a network on images, and write its model folder.

    The arguments are the options of `frozen-features train`, whose `--help` says which of them
    each head has a use for and what it has if not given.

    Args:
        table: the feature table; None with `from_images`.
        model: folder to write.
        head: kind of head: dense, softmax, finetune, logistic, linear_svm, ridge, rbf_svm, knn;
            with `from_images` convnet, dense, finetune.
        from_images: folder or manifest of images, for the ways that store no features.
        also_table: tables of the same images, whose features stand beside those of `table`.
        table_version: an older version; the newest when None.
        overwrite: replace a model that is there.
        train_split: split to train on.
        validation_split: split to validate on; "validation" if the table has it when None.
        copies: augmented copies of an image to train on at most; all of them when None.
        class_weight: "none", "balanced", or a weight by class name.
        seed: of every random choice.
        memory: most memory for features or images, as "8G" or in bytes; half of what the process
            may use when None.
        pooling: "avg" or "max" to train a head on the mean or maximum of each channel of the stored
            maps; "none" when None.
        calibrate: whether to fit probabilities to images that the head was not trained on.
        calibrate_by: "parametric" (also when None), by a temperature or sigmoids, or "isotonic".
        calibrate_on: "validation", or "folds" of the split trained on; when None folds where there
            is no split to validate on.
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


@without_secrets
def search(
    table: Location,
    *,
    table_version: int | None = None,
    heads: str | Sequence[str] = "logistic,linear_svm",
    poolings: str | Sequence[str] = "none",
    scalers: str | Sequence[str] = "standardise",
    C: str | Sequence[float] = "1e-7:100:19",  # noqa: N803 - as scikit-learn has it
    k: str | Sequence[int] | None = None,
    temperature: str | Sequence[float] | None = None,
    learning_rate: str | Sequence[float] | None = None,
    units: str | Sequence[int] | None = None,
    epochs: str | Sequence[int] | None = None,
    folds: int | None = None,
    validation: bool = False,
    train_split: str = "train",
    validation_split: str | None = None,
    copies: int = 0,
    class_weight: str | Mapping[str, float] = "none",
    seed: int = 0,
    memory: str | int | None = None,
    output: Location | None = None,
    model: Location | None = None,
    refit: str = "train",
    overwrite: bool = False,
) -> "SearchReport":
    """Find the settings of the heads on features that do best, and train a model of them.

    Args:
        table: the feature table.
        table_version: an older version; the newest when None.
        heads: of logistic, linear_svm, ridge, knn, dense and softmax.
        poolings: of none, avg and max over height and width of the stored maps.
        scalers: of standardise, l2 and none: what is done to the linear heads' features first.
        C: values for the linear heads, or "LEAST:GREATEST:COUNT" in equal ratios.
        k: values for knn; 1, 5, 10, 20 and 50 when None.
        temperature: values for knn; 0.07 when None.
        learning_rate: values for the networks; some around each one's default when None.
        units: values for dense; 64 and 256 when None.
        epochs: values for the networks; each one's default when None.
        folds: score on so many folds of the split to train on; 5 when None.
        validation: score on the validation split instead.
        train_split: split to fit on.
        validation_split: split to validate on; "validation" if the table has it when None.
        copies: augmented copies of an image to fit on at most.
        class_weight: "none", "balanced", or a weight by class name.
        seed: of every random choice.
        memory: most memory for features and what is made of them, as "8G" or in bytes; half of
            what the process may use when None.
        output: folder for all settings as CSV and as a picture, from which a search that was
            stopped goes on.
        model: folder for a model of the best setting.
        refit: what that is trained on: "train", or "train+validation".
        overwrite: replace a model that is there.

    Returns:
        The report: its `best` is the best setting with its accuracy and standard error, `as_good`
        are all within one standard error of it, and `findings` all.

    Raises:
        UsageError: an argument is wrong, the model's folder is taken, or a class has too few
            images for so many folds.
        TableError: there is no such table or split, or its features are of no use.
    """
    given = dict(locals())
    from classifiers import search as command

    for name, value in given.items():
        if isinstance(value, Sequence) and not isinstance(value, str):
            given[name] = ",".join(map(str, value))
    return command.work(parse_keywords(command.make_parser(), given))
