"""What a model says, as a network: its head's answers, calibrated as its card says."""

import numpy as np

from classifiers.heads.answers import Answers, both_classes, of_logits
from classifiers.models.decisions import Decisions
from pipelines.system.keras_backend import load_keras


def said(answers: Answers, decisions: Decisions | None) -> Answers:
    """The network that gives what `Model.judge` says: probabilities, or scores without any.

    Args:
        answers: the head as a network.
        decisions: of the model's card.

    Returns:
        A network to float32 (n, classes), and what these are.
    """
    keras = load_keras()
    given, gives = answers.network.outputs[0], answers.gives
    if decisions is not None and decisions.temperature is not None:
        outputs = of_logits(given / decisions.temperature)
    elif decisions is not None and decisions.sigmoids is not None:
        slopes, offsets = np.array(decisions.sigmoids).T
        lines = keras.layers.BatchNormalization(epsilon=0.0)
        values = lines(given)
        lines.set_weights([slopes, offsets, np.zeros(len(slopes)), np.ones(len(slopes))])
        if len(slopes) > 1:  # softmax of these makes shares of the sigmoids
            values = keras.ops.log_sigmoid(values)
        outputs, gives = of_logits(values), "probabilities"
    else:
        outputs = of_logits(given) if gives == "probabilities" else both_classes(given)
    return Answers(keras.Model(answers.network.inputs[0], outputs), gives)
