"""The options that say which head is trained, and how."""

import argparse
import math
from collections.abc import Callable, Mapping
from typing import Any

from classifiers.heads.dense import DenseHead
from classifiers.heads.finetune import FineTuneHead
from classifiers.heads.head import Head
from classifiers.heads.network import NetworkHead
from classifiers.heads.scikit import ScikitHead
from classifiers.heads.softmax import SoftmaxHead
from pipelines.bases import parse_weights
from pipelines.cli import positive_number, positive_real
from pipelines.contract import Contract
from pipelines.errors import UsageError
from pipelines.table.feature_table import FeatureTable

DEFAULT_C = {"logistic": 1e-3, "linear_svm": 1e-5, "rbf_svm": 1.0}
NETWORKS: dict[str, Callable[..., NetworkHead]] = {"dense": DenseHead, "softmax": SoftmaxHead}
FINETUNE = "finetune"
CONVNET = "convnet"
"""Trained on images only; `classifiers.from_images` makes it."""

HEAD_EPOCHS = {"dense": 3, "softmax": 5}
"""Passes in which a head is trained alone, before the base is unfrozen."""

TUNING_RATE = 1e-5
"""Of RMSprop Chollet's (Deep Learning with Python, 2017, section 5.3.2). Of SGD a tenth of what
Keras's own example takes for InceptionV3 (keras.io, "Keras Applications"): VGG16 has no batch
normalisation, and lost eight points of accuracy in one epoch at 1e-4."""

TUNING_EPOCHS = 6

OWN = {"dense": ("units", "dropout"), "softmax": ("momentum", "decay")}
SCHEDULE = ("learning_rate", "epochs", "batch_size")
TUNING = ("top", "head_learning_rate", "head_epochs", "unfreeze", "weights")
TAKES = (
    {name: (*OWN[name], *SCHEDULE) for name in NETWORKS}
    | {f"{FINETUNE} --top {name}": (*OWN[name], *SCHEDULE, *TUNING) for name in NETWORKS}
    | dict.fromkeys(DEFAULT_C, ("C",))
)
"""The options that each kind of head has a use for."""


def add_head_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that make a head."""
    parser.add_argument("--head", required=True, choices=[*NETWORKS, FINETUNE, *DEFAULT_C, CONVNET])
    dense, softmax = DenseHead(), SoftmaxHead()

    def own(name: str) -> str:
        return f"dense {getattr(dense, name)}, softmax {getattr(softmax, name)}"

    trained = parser.add_argument_group("heads that are networks", "and what each has if not given")
    trained.add_argument(
        "--learning_rate",
        type=positive_real,
        help=f"{own('learning_rate')}; fine-tuning: {TUNING_RATE:g}",
    )
    trained.add_argument(
        "--epochs", type=positive_number, help=f"{own('epochs')}; fine-tuning: {TUNING_EPOCHS}"
    )
    trained.add_argument("--batch_size", type=positive_number, help=own("batch_size"))
    trained.add_argument("--units", type=positive_number, help=f"dense {dense.units}")
    trained.add_argument("--dropout", type=_share, help=f"dense {dense.dropout}")
    trained.add_argument("--momentum", type=_share, help=f"softmax {softmax.momentum}")
    trained.add_argument(
        "--decay",
        type=_from_zero,
        help=f"softmax {softmax.decay}: at step s the rate is divided by 1 + decay s",
    )
    tuning = parser.add_argument_group(
        "fine-tuning", "a head on the frozen base, then both; on features of an earlier layer"
    )
    tuning.add_argument("--top", choices=list(NETWORKS), help="the head; dense if not given")
    tuning.add_argument(
        "--head_learning_rate", type=positive_real, help="of the head alone: its own if not given"
    )
    tuning.add_argument(
        "--head_epochs", type=positive_number, help=f"of the head alone: {_listed(HEAD_EPOCHS)}"
    )
    tuning.add_argument(
        "--unfreeze",
        metavar="LAYER",
        help="train the base from this layer on; from the table's on if not given",
    )
    tuning.add_argument(
        "--weights", help="those of the table: imagenet (if not given), random[:SEED], or a file"
    )
    others = parser.add_argument_group("the other heads")
    others.add_argument(
        "--C", type=positive_real, help=f"inverse regularisation: {_listed(DEFAULT_C)}"
    )


def make_head(options: argparse.Namespace) -> Head:
    """The head that the options of `add_head_options` ask for.

    Raises:
        UsageError: an option is given that this head has no use for.
        TableError: there is no table to fine-tune on.
    """
    kind = options.head
    if kind == FINETUNE:
        kind = f"{FINETUNE} --top {options.top or 'dense'}"
    given = {name: getattr(options, name) for taken in TAKES.values() for name in taken}
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if name not in TAKES[kind]:
            able = ", ".join(each for each, taken in TAKES.items() if name in taken)
            raise UsageError(f"--{name} is for --head {able}, not for {kind}")
    if options.head == FINETUNE:
        table = FeatureTable.open(options.table, options.table_version)
        return _fine_tuning(given, table.contract)
    if options.head in NETWORKS:
        return NETWORKS[options.head](**given)
    return ScikitHead(options.head, given.get("C", DEFAULT_C[options.head]))


def _fine_tuning(given: Mapping[str, Any], contract: Contract) -> FineTuneHead:
    top = given.get("top", "dense")
    own = {name: given[name] for name in (*OWN[top], "batch_size") if name in given}
    if "head_learning_rate" in given:
        own["learning_rate"] = given["head_learning_rate"]
    return FineTuneHead(
        top=NETWORKS[top](epochs=given.get("head_epochs", HEAD_EPOCHS[top]), **own),
        contract=contract,
        weights=parse_weights(given.get("weights", "imagenet")),
        unfreeze=given.get("unfreeze"),
        learning_rate=given.get("learning_rate", TUNING_RATE),
        epochs=given.get("epochs", TUNING_EPOCHS),
    )


def _listed(by_name: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in by_name.items())


def _share(text: str) -> float:
    value = _from_zero(text)
    if value >= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not at least 0 and below 1")
    return value


def _from_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number of at least 0")
    return value
