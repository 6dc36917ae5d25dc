"""Exporting a network to ONNX leaves nothing of the exporter's behind."""

import gc

import keras
import numpy as np
import onnx
import pytest

from pipelines.engines.onnx_export import export_onnx


@pytest.fixture
def _never_collected():
    """Python collects cycles when many objects were made, which is after some exports or none."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_never_collected")
def test_the_graphs_that_the_exporter_copied_are_gone(tmp_path):
    from tf2onnx.graph import Graph

    keras.utils.set_random_seed(1)
    numbers = keras.Input((4,))
    network = keras.Model(numbers, keras.layers.Dense(3)(numbers))
    network(np.zeros((1, 4), np.float32))  # Keras exports nothing that never ran
    export_onnx(network, tmp_path / "network.onnx")
    assert not [each for each in gc.get_objects() if isinstance(each, Graph)]
    weights = onnx.load(tmp_path / "network.onnx").graph.initializer
    kernels = [onnx.numpy_helper.to_array(each) for each in weights]
    assert any(np.array_equal(each, network.get_weights()[0]) for each in kernels)
