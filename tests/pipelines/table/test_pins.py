"""Notes of which versions models were trained on, as anybody may have written them."""

import json

import pytest

from pipelines import forget, tidy
from pipelines.table.feature_table import FeatureTable
from pipelines.table.pins import pin_version, pinned_versions
from tests.pipelines.table.trees import age, rows

NEWEST = 6


def pin(table, text: str | bytes, name: str = "a.json") -> None:
    (table / "_pins").mkdir(exist_ok=True)
    (table / "_pins" / name).write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(
    "version", ["99", "1e999", "-1", "true", "1.5", "null", '"1"', "[]", "9" * 30, "-0.0", "NaN"]
)
def test_a_pin_of_no_version_is_passed_over_with_one_line(small, capsys, version):
    pin(small, f'{{"version": {version}, "model": "/m"}}')
    pin_version(str(small), 1, "/models/good")
    age(small)
    held = rows(small)
    assert tidy.main(["--table", str(small), "--retention_days", "0", "--json", "/dev/null"]) == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "keeping no version for _pins/a.json" in said
    assert rows(small) == held
    assert FeatureTable.open(str(small), 1).keys().num_rows == 2
    with pytest.raises(Exception, match="which is gone"):
        FeatureTable.open(str(small), 2).keys()


@pytest.mark.parametrize("text", [b"", b"[]", b"3", b"{", b"\xff\xfe", b"{}", b"[" * 10_000, b'"'])
def test_what_is_no_pin_pins_nothing(small, capsys, text):
    pin(small, text)
    assert pinned_versions(str(small), NEWEST) == frozenset()
    assert "_pins/a.json" in capsys.readouterr().err


def test_one_line_tells_of_all_pins_that_are_passed_over(small, capsys):
    for number in range(5):
        pin(small, '{"version": 99}', f"{number}.json")
    assert pinned_versions(str(small), NEWEST) == frozenset()
    assert "_pins/0.json (version 99; there are 0 to 6) and 4 more" in capsys.readouterr().err


def test_odd_things_among_the_pins(small, tmp_path):
    pin(small, json.dumps({"version": 2, "model": "/m"}))
    (small / "_pins/folder").mkdir()
    (small / "_pins/nowhere.json").symlink_to(tmp_path / "nowhere")
    with (small / "_pins/huge.json").open("wb") as file:
        file.truncate(40 * 2**30)
    assert pinned_versions(str(small), NEWEST) == {2}


def test_a_pinned_version_that_cannot_be_opened_is_let_go(small, capsys):
    pin_version(str(small), 1, "/m")
    pin_version(str(small), 3, "/n")
    FeatureTable.open(str(small), 3).delta.create_checkpoint()
    for version in (0, 1):
        (small / f"_delta_log/{version:020d}.json").unlink()
    held = rows(small)
    assert tidy.main(["--table", str(small), "--retention_days", "0"]) == 0
    assert "version 1, which a model names, is not kept" in capsys.readouterr().err
    assert rows(small) == held
    assert FeatureTable.open(str(small), 3).keys().num_rows == 4


def test_forgetting_names_the_models_that_have_learned_from_an_image(small, capsys):
    """Version by version: a model of a version without the image is none of them."""
    ids = {
        version: set(FeatureTable.open(str(small), version).names()["image_id"].to_pylist())
        for version in range(1, NEWEST + 1)
    }
    gone = sorted(ids[NEWEST])[0]
    for version in range(1, NEWEST + 1):
        pin_version(str(small), version, f"/models/{version}\x1b")
    pin(small, json.dumps({"version": NEWEST}))
    wanted = [f"/models/{version}\x1b" for version in ids if gone in ids[version]]
    assert wanted
    assert forget.forget_ids(str(small), ["nobody.png"]).models == ()
    done = forget.forget_ids(str(small), [gone])
    assert list(done.models) == wanted
    assert done.as_json()["models"] == done.models
    assert f"/models/{NEWEST}\\x1b" in str(done)
    assert "train them again (frozen-features refit --model MODEL), or delete them" in str(done)


def test_forgetting_names_no_model_where_none_was_trained(small):
    gone = FeatureTable.open(str(small)).names()["image_id"].to_pylist()[0]
    done = forget.forget_ids(str(small), [gone])
    assert done.models == ()
    assert "models" not in str(done)
