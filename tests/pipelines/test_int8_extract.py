"""A table in int8, night after night: the base that its folder keeps is the one that all take."""

import shutil

import pytest

import frozen_features as ff
from pipelines.engines import opening
from pipelines.engines.int8.quantising import quantise
from pipelines.errors import ContractMismatchError, UsageError, WeightsError
from pipelines.planning import quantisation
from pipelines.table.feature_table import FeatureTable
from tests.conftest import write_image

pytestmark = pytest.mark.acceptance

INT8 = {"weights": "random:1", "image_size": 32, "compute_dtype": "int8", "batch_size": 8}


@pytest.fixture(scope="module")
def quantised():
    """What this file has quantised, by what it was made of."""
    return {}


@pytest.fixture(autouse=True)
def _quantised_once(quantised, monkeypatch):
    """The same images give the same bytes (tests/pipelines/engines/int8), so they are made once."""

    def once(contract, weights, pixels):
        key = contract, pixels.tobytes()
        if key not in quantised:
            quantised[key] = quantise(contract, weights, pixels)
        return quantised[key]

    monkeypatch.setattr(quantisation, "quantise", once)


@pytest.fixture
def images(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "images")
    return tmp_path / "images"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Go on as on another machine: no engine is open, the cache is empty, nothing is quantised."""

    def move(number: int) -> None:
        monkeypatch.setattr(opening, "_engines", {})
        monkeypatch.setenv("FROZEN_FEATURES_CACHE", str(tmp_path / f"cache{number}"))
        monkeypatch.setattr(quantisation, "quantise", lambda *_: pytest.fail("quantised again"))

    return move


def test_every_night_and_every_machine_takes_the_base_of_the_first(images, tmp_path, elsewhere):
    where, model = tmp_path / "features", tmp_path / "model"
    first = ff.extract(images, where, **INT8)
    held = first.contract.quantisation
    assert held.calibration == "40 of 48 images of split train, seed 0"
    assert (where / "_base" / f"{held.base}.onnx").is_file()

    measured = ff.describe(where).as_json()["int8_difference"]
    assert (measured["images"], 0 < measured["median"] <= measured["largest"] < 0.2) == (8, True)

    elsewhere(1)
    shutil.copy(images / "train" / "dark" / "dark000.png", images / "train" / "dark" / "zz.png")
    write_image(images / "train" / "light" / "new.png", seed=5)
    second = ff.extract(images, where, **INT8)
    assert second.contract == first.contract
    assert second.attempted == 2
    assert ff.describe(where).as_json()["int8_difference"] == measured
    rows = FeatureTable.open(str(where)).dataset().to_table().to_pylist()
    features = {row["image_id"]: row["features"] for row in rows}
    assert features["train/dark/zz.png"] == features["train/dark/dark000.png"]
    assert ff.verify(where, input=images, sample=None).status == 0

    ff.train(table=where, model=model, head="logistic")
    stored = ff.predict(model, table=where, split="test")
    elsewhere(2)
    given = ff.predict(model, input=images / "test")
    assert given.predicted == stored.predicted == 20
    with pytest.raises(ContractMismatchError, match=r"pooling: none in the table, max"):
        ff.extract(images, where, pooling="max", **INT8)
    with pytest.raises(UsageError, match="--engine ncnn does not compute in int8"):
        write_image(images / "train" / "light" / "newer.png", seed=6)
        ff.extract(images, where, engine="ncnn", **INT8)
    with pytest.raises(UsageError, match="cannot be exported"):
        ff.export(model=model, output=tmp_path / "out.keras", format="keras")
    with pytest.raises(UsageError, match="the table's base is quantised"):
        ff.train(table=where, model=tmp_path / "tuned", head="finetune", weights="random:1")

    elsewhere(3)
    shutil.rmtree(where / "_base")
    given = ff.predict(model, input=images / "test")  # the model has a copy
    assert given.predicted == 20
    elsewhere(4)
    (model / "base.onnx").unlink()
    with pytest.raises(WeightsError, match="put the file back from a copy of the table"):
        ff.predict(model, input=images / "test")
    assert ff.verify(where, input=images, sample=4).status != 0


def test_a_run_that_died_before_its_commit_leaves_a_base_that_is_taken(
    images, tmp_path, monkeypatch, elsewhere
):
    from pipelines.commits import table_run

    where = tmp_path / "features"
    with monkeypatch.context() as patch:
        patch.setattr(table_run, "Settlement", lambda *_: (_ for _ in ()).throw(OSError("died")))
        with pytest.raises(OSError, match="died"):
            ff.extract(images, where, **INT8)
    assert not (where / "_base").exists()  # nothing was handed to workers
    with monkeypatch.context() as patch:
        patch.setattr(
            table_run.Settlement, "settle", lambda *_: (_ for _ in ()).throw(OSError("died"))
        )
        with pytest.raises(OSError, match="died"):
            ff.extract(images, where, **INT8)
    elsewhere(1)
    write_image(images / "train" / "light" / "new.png", seed=5)
    report = ff.extract(images, where, **INT8)
    assert report.attempted == 1  # the rest was finished by the run that died
    assert FeatureTable.open(str(where)).keys().num_rows == 89
