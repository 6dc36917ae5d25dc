"""Names of models and their versions."""

import argparse

import pytest

from classifiers.models.versions.names import ModelName, model_name, model_place


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("models/dense", ModelName("models/dense")),
        ("models/dense@3", ModelName("models/dense", 3)),
        ("models/dense@latest", ModelName("models/dense")),
        ("models/dense/@3", ModelName("models/dense/@3")),
        ("a@b@12", ModelName("a@b", 12)),
        ("@3", ModelName("@3")),
        ("s3://bucket/dense/", ModelName("s3://bucket/dense")),
        ("s3://bucket/dense@3", ModelName("s3://bucket/dense", 3)),
        ("gs://bucket/a/b@latest", ModelName("gs://bucket/a/b")),
    ],
)
def test_a_name_is_a_place_and_a_version(text, name):
    assert model_name(text) == name


def test_a_folder_that_is_called_like_a_version_is_meant_where_it_is_there(tmp_path):
    (tmp_path / "dense@3").mkdir()
    assert model_name(f"{tmp_path}/dense@3") == ModelName(f"{tmp_path}/dense@3")
    assert model_place(f"{tmp_path}/dense@3") == f"{tmp_path}/dense@3"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3://user:word@bucket/dense", "was given with a user or password"),
        ("s3://bucket/../dense", "'..' part"),
        ("s3:/bucket/dense", "stores are s3:// and gs://"),
        ("a\0b", "is no path"),
    ],
)
def test_what_names_no_place(text, said):
    with pytest.raises(argparse.ArgumentTypeError) as told:
        model_name(text)
    assert said in str(told.value)
    assert "word@" not in str(told.value)
