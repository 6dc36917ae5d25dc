"""A head's calibration as layers after it, as `classifiers.models.calibration` does it."""

import numpy as np

from classifiers.heads.answers import Answers
from classifiers.models.decisions import Decisions
from pipelines.system.keras_backend import load_keras

LEAST = float(np.finfo(np.float32).smallest_normal)
"""Probabilities are taken for no less, so that their logarithms are finite."""


def calibrated_answers(answers: Answers, decisions: Decisions | None) -> Answers:
    """A network that gives calibrated probabilities; the same where nothing calibrates them.

    Args:
        answers: the head's own.
        decisions: of its card.
    """
    if decisions is None or not decisions.calibrates:
        return answers
    keras = load_keras()
    given = answers.network.outputs[0]
    if decisions.temperature is not None:
        # Each class has its own probability, so the small ones lose nothing beside a sure one.
        logits = keras.ops.log(keras.ops.maximum(given, LEAST))
        told = keras.layers.Softmax()(logits * (1.0 / decisions.temperature))
    else:
        slopes, offsets = np.array(decisions.sigmoids, np.float32).T
        used = given[:, 1:] if len(slopes) == 1 else given
        values = used * slopes + offsets
        if len(slopes) == 1:
            both = keras.layers.Concatenate()([-values, values])
            told = keras.layers.Activation("sigmoid")(both)
        else:
            told = keras.layers.Softmax()(keras.ops.log_sigmoid(values))
    return Answers(keras.Model(answers.network.inputs[0], told), "probabilities")
