"""Which split a training is measured on."""

import pytest

from classifiers.data.held_out import held_out_split
from pipelines.errors import UsageError


@pytest.mark.parametrize(
    ("trained_on", "named", "there", "held_out"),
    [
        ("train", None, ["train", "validation"], "validation"),
        ("train", "test", ["train", "validation", "test"], "test"),
        ("train", "nope", ["train"], "nope"),  # whoever reads it says that it is not there
        ("train", None, ["train", "test"], None),
        ("validation", None, ["train", "validation"], None),
        ("train", None, ["train", "valid", "test"], "valid"),
        ("train", None, ["train", "val", "validation"], "validation"),
        ("train", None, ["train", "val", "dev"], None),
        ("val", None, ["train", "val"], None),
    ],
)
def test_the_split_named_or_validation(trained_on, named, there, held_out, capsys):
    assert held_out_split(trained_on, named, there) == held_out
    assert ("training without validation" in capsys.readouterr().err) == (held_out is None)


def test_none_is_no_split(capsys):
    assert held_out_split("train", "none", ["train", "validation", "none"]) is None
    assert capsys.readouterr().err == ""


def test_a_split_is_not_trained_on_and_validated_on():
    with pytest.raises(UsageError, match="--validation_split test is the split that is trained on"):
        held_out_split("test", "test", ["test"])


def test_a_split_that_was_not_named_is_told(capsys):
    held_out_split("train", None, ["train", "Valid"])
    assert capsys.readouterr().err == "validating on split 'Valid'\n"
    held_out_split("train", None, ["train", "val", "dev"])
    assert capsys.readouterr().err.endswith("; --validation_split names dev or val\n")
