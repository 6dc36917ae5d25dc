"""Ranges of what is quantised: those that ONNX Runtime's own calibration finds, to the bit."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from onnxruntime.quantization import CalibrationDataReader, create_calibrator, load_tensors_data

from pipelines.engines.int8 import ranges
from pipelines.engines.int8.ranges import write_ranges
from tests.pipelines.bases.onnx_networks import save

SIZE, IMAGES = 24, 5


def network(path):
    """Convolutions and maxima; the first convolution is not to be quantised."""
    random = np.random.default_rng(0)
    tensors = {
        name: random.standard_normal(shape).astype(np.float32)
        for name, shape in {
            "k0": (3, 1, 3, 3),
            "k1": (16, 3, 3, 3),
            "k2": (32, 16, 3, 3),
            "k3": (8, 32, 1, 1),
        }.items()
    }
    node = helper.make_node
    nodes = [
        node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        node("Transpose", ["floats"], ["turned"], perm=[0, 3, 1, 2]),
        node("Conv", ["turned", "k0"], ["deep"], "depthwise", group=3, pads=[1] * 4),
        node("Conv", ["deep", "k1"], ["wide"], "first", pads=[1] * 4),
        node("Relu", ["wide"], ["active"]),
        node("MaxPool", ["active"], ["pooled"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["pooled", "k2"], ["more"], "second"),
        node("Conv", ["more", "k3"], ["last"], "third"),
        node("MaxPool", ["last"], ["features"], "end", kernel_shape=[2, 2]),
    ]
    sides = [1, SIZE, SIZE, 3]
    return save(path, nodes, tensors, sides, "features", TensorProto.UINT8)


class Images(CalibrationDataReader):
    def __init__(self, images):
        self._images = iter(images)

    def get_next(self):
        image = next(self._images, None)
        return None if image is None else {"image": image[np.newaxis]}


def on_one_thread(path):
    """A session that computes each layer by itself, as the calibration's does."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, settings)


@pytest.mark.parametrize("cores", [1, 3])
def test_ranges_are_those_of_onnx_runtime_s_own_calibration(tmp_path, monkeypatch, cores):
    path = network(tmp_path / "network.onnx")
    images = np.random.default_rng(1).integers(0, 256, (IMAGES, SIZE, SIZE, 3), dtype=np.uint8)
    images[3] //= 4
    images[4] //= 8
    monkeypatch.setattr(ranges, "usable_cores", lambda: cores)
    quantised = ["first", "pool", "second", "third", "end"]
    write_ranges(onnx.load(path), quantised, images, tmp_path / "ranges.json")
    found = load_tensors_data(tmp_path / "ranges.json")
    augmented = str(tmp_path / "augmented.onnx")
    calibrator = create_calibrator(path, augmented_model_path=augmented)
    calibrator.infer_session = on_one_thread(augmented)
    calibrator.collect_data(Images(images))
    wanted = calibrator.compute_data()
    assert set(found) == {"deep", "active", "pooled", "more", "last", "features"}
    for name in found:
        for ours, theirs in zip(found[name].range_value, wanted[name].range_value, strict=True):
            assert (ours.dtype, ours.shape) == (np.float32, (1,))
            np.testing.assert_array_equal(ours, theirs)
