"""Keras exports a network after one trace of it, and its own exports stay what they are."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras.src.export.saved_model_export_archive import SavedModelExportArchive

from pipelines.engines import keras_export
from pipelines.engines.keras_export import export_as
from pipelines.engines.openvino_engine import export_network, load_openvino


@pytest.fixture
def counted():
    """A network, and how often its layer was called since it was built."""
    calls = []

    class Doubled(keras.layers.Layer):
        def call(self, inputs):
            calls.append(inputs)
            return 2 * inputs

    numbers = keras.Input((4,))
    network = keras.Model(numbers, Doubled()(keras.layers.Dense(3)(numbers)))
    network(np.zeros((1, 4), np.float32))
    calls.clear()
    return network, calls


def test_a_network_is_traced_once_and_not_again_for_tables_it_has_not(
    counted, tmp_path, monkeypatch
):
    network, calls = counted
    theirs = SavedModelExportArchive._filter_and_track_resources
    export_network(network, tmp_path / "network.xml")
    assert len(calls) == 1
    assert SavedModelExportArchive._filter_and_track_resources is theirs

    monkeypatch.setattr(keras_export, "_resources_untracked", contextlib.nullcontext)
    export_network(network, tmp_path / "by Keras.xml")
    assert len(calls) > 2, "Keras has mended it: pipelines/engines/keras_export.py can go"
    assert (tmp_path / "by Keras.bin").read_bytes() == (tmp_path / "network.bin").read_bytes()

    compiled = load_openvino().Core().compile_model(str(tmp_path / "network.xml"), "CPU")
    numbers = np.random.default_rng(0).normal(size=(1, 4)).astype(np.float32)
    np.testing.assert_allclose(compiled([numbers])[0], network(numbers), rtol=1e-2, atol=1e-2)


def test_exports_at_once_leave_keras_as_it_was(counted, tmp_path):
    theirs = SavedModelExportArchive._filter_and_track_resources
    files = [tmp_path / f"{number}.xml" for number in range(6)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda file: export_network(counted[0], file), files))
    assert len({file.with_suffix(".bin").read_bytes() for file in files}) == 1
    assert SavedModelExportArchive._filter_and_track_resources is theirs


def test_an_export_that_fails_leaves_keras_as_it_was(counted, tmp_path):
    theirs = SavedModelExportArchive._filter_and_track_resources
    with pytest.raises(ValueError, match="format"):
        export_as(counted[0], tmp_path / "network", "none")
    assert SavedModelExportArchive._filter_and_track_resources is theirs
