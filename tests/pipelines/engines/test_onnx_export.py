"""Exporting a network to ONNX copies nothing that it need not, and leaves nothing behind."""

import gc
import os

import keras
import numpy as np
import onnx
import onnx.reference
import pytest

from pipelines.engines.onnx_export import export_onnx


@pytest.fixture
def _never_collected():
    """Python collects cycles when many objects were made, which is after some exports or none."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def network():
    keras.utils.set_random_seed(1)
    numbers = keras.Input((4,))
    network = keras.Model(numbers, keras.layers.Dense(3)(numbers))
    network(np.zeros((1, 4), np.float32))  # Keras exports nothing that never ran
    return network


@pytest.mark.acceptance
@pytest.mark.usefixtures("_never_collected")
def test_the_graphs_that_the_exporter_copied_are_gone(network, tmp_path):
    from tf2onnx.graph import Graph

    export_onnx(network, tmp_path / "network.onnx")
    assert not [each for each in gc.get_objects() if isinstance(each, Graph)]
    weights = onnx.load(tmp_path / "network.onnx").graph.initializer
    kernels = [onnx.numpy_helper.to_array(each) for each in weights]
    assert any(np.array_equal(each, network.get_weights()[0]) for each in kernels)


@pytest.mark.acceptance
def test_the_graph_is_copied_only_where_an_optimizer_fails(network, tmp_path, monkeypatch):
    from tf2onnx import optimizer
    from tf2onnx.graph import Graph

    copied = []

    def copy(graph):
        copied.append(graph)
        return real(graph)

    real = optimizer.copy.deepcopy
    monkeypatch.setattr(optimizer.copy, "deepcopy", copy)
    before = dict(os.environ)
    export_onnx(network, tmp_path / "network.onnx")
    assert not [each for each in copied if isinstance(each, Graph)]

    def fail(*_):
        raise RuntimeError("of an optimizer's own")

    monkeypatch.setattr(optimizer.IdentityOptimizer, "optimize", fail)
    export_onnx(network, tmp_path / "again.onnx")
    assert [each for each in copied if isinstance(each, Graph)]
    assert dict(os.environ) == before
    numbers = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    for name in ("network.onnx", "again.onnx"):
        (found,) = onnx.reference.ReferenceEvaluator(str(tmp_path / name)).run(
            None, {network.inputs[0].name: numbers}
        )
        np.testing.assert_allclose(found, network(numbers), atol=1e-6)
