"""Measures of heads are Keras's own, which it takes from the same logits."""

import functools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from classifiers.data.training_set import HeldSet
from classifiers.heads.head import Judgement
from classifiers.heads.network import FittedNetwork
from classifiers.models.evaluation import evaluate, measure
from pipelines.system.keras_backend import load_keras

FEATURES = 6

seeds = st.integers(0, 2**32 - 1)
largest = st.sampled_from([1.0, 30.0, 1000.0])


@functools.cache
def network(outputs):
    """A network, how it judges, and the same network up to its logits."""
    layers = load_keras().layers
    inputs = load_keras().Input((FEATURES,))
    logits = layers.Dense(outputs)(inputs)
    ends = layers.Activation("sigmoid" if outputs == 1 else "softmax")(logits)
    whole = load_keras().Model(inputs, ends)
    return whole, FittedNetwork(whole), load_keras().Model(inputs, logits)


def crossentropy(targets, logits):
    """Keras's loss of logits (n, classes), or of the second of two classes (n, 1), in float64."""
    losses = load_keras().losses
    if logits.shape[1] == 1:
        return float(
            losses.BinaryCrossentropy(from_logits=True, dtype="float64")(
                targets[:, None].astype(np.float64), logits
            )
        )
    of_class = np.eye(logits.shape[1])[targets]
    return float(
        losses.CategoricalCrossentropy(from_logits=True, dtype="float64")(of_class, logits)
    )


@settings(max_examples=25)
@given(seeds, st.sampled_from([1, 2, 3, 50]), largest)
def test_of_random_heads_the_log_loss_is_keras_s(seed, outputs, most):
    random = np.random.default_rng(seed)
    whole, head, to_logits = network(outputs)
    whole.set_weights([random.normal(size=(FEATURES, outputs)), random.normal(size=outputs)])
    features = random.normal(size=(40, FEATURES)).astype(np.float32)
    features *= most / np.abs(to_logits.predict_on_batch(features)).max()
    classes = max(2, outputs)
    part = HeldSet(features, random.integers(0, classes, len(features)))
    measured = measure(head, part.batches(), [str(k) for k in range(classes)])
    logits = to_logits.predict_on_batch(features).astype(np.float64)
    assert np.abs(logits).max() > 0.5 * most
    assert measured.log_loss == pytest.approx(crossentropy(part.targets, logits), rel=1e-6)


@settings(max_examples=25)
@given(seeds, st.sampled_from([1, 2, 3, 50]), largest)
def test_of_any_logits_the_log_loss_is_keras_s(seed, outputs, most):
    random = np.random.default_rng(seed)
    logits = random.uniform(-most, most, (40, outputs))
    classes = max(2, outputs)
    targets = random.integers(0, classes, len(logits))
    measured = evaluate(targets, Judgement.of_logits(logits), [str(k) for k in range(classes)])
    assert measured.log_loss == pytest.approx(crossentropy(targets, logits), rel=1e-6)


@settings(max_examples=10)
@given(seeds, st.sampled_from([1, 2, 4]))
def test_the_area_is_keras_s_where_its_thresholds_part_all_scores(seed, outputs):
    """Keras counts at thresholds, of float32 probabilities: these are not to run together."""
    random = np.random.default_rng(seed)
    logits = random.uniform(-6, 6, (20, outputs))
    classes = max(2, outputs)
    targets = np.concatenate([np.arange(classes), random.integers(0, classes, 20 - classes)])
    judged = Judgement.of_logits(logits)
    assume(np.diff(np.sort(judged.probabilities, axis=0), axis=0).min() > 1e-6)
    measured = evaluate(targets, judged, [str(k) for k in range(classes)])
    areas = [area(targets == k, judged.log_odds[:, k]) for k in range(classes)]
    assert measured.roc_auc == pytest.approx(np.mean(areas), abs=1e-6)


def area(truth, odds):
    """Keras's area under the curve of log odds (n,)."""
    probabilities = np.sort(1 / (1 + np.exp(-odds)))
    between = ((probabilities[1:] + probabilities[:-1]) / 2).tolist()
    metric = load_keras().metrics.AUC(thresholds=between, from_logits=True)
    metric.update_state(truth, odds)
    return float(metric.result())
