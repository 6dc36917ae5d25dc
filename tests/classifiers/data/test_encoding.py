import numpy as np
import pytest

from classifiers.data.encoding import classes_of, encode, parse_class_weight
from pipelines.errors import TableError, UsageError


def labels(*names: str | None) -> np.ndarray:
    return np.array(names, dtype=object)


def test_labels_become_places_and_the_unlabelled_are_left_out():
    some = labels("dog", None, "cat", "dog")
    assert classes_of(some) == ("cat", "dog")
    targets, labelled = encode(some, ("cat", "dog"))
    np.testing.assert_array_equal(targets, [1, 0, 1])
    np.testing.assert_array_equal(labelled, [True, False, True, True])


@pytest.mark.parametrize(
    ("names", "message"), [(("cat", "cat"), "only 'cat'"), ((None,), "no lab")]
)
def test_fewer_than_two_classes(names, message):
    with pytest.raises(TableError, match=message):
        classes_of(labels(*names))


def test_a_class_that_training_never_saw():
    with pytest.raises(TableError, match="class 'bird' was not in the training split"):
        encode(labels("cat", "bird"), ("cat", "dog"))
    with pytest.raises(TableError, match="no image of this split has a label"):
        encode(labels(None), ("cat", "dog"))


def test_class_weights():
    targets = np.array([0, 0, 0, 1])
    classes = ("cat", "dog")
    assert parse_class_weight("none", classes, targets) is None
    balanced = parse_class_weight("balanced", classes, targets)
    assert balanced == {0: pytest.approx(4 / 6), 1: pytest.approx(2.0)}
    assert parse_class_weight("dog = 2.5", classes, targets) == {0: 1.0, 1: 2.5}


@pytest.mark.parametrize(
    "text", ["bird=2", "dog=much", "heavy", "dog=0", "dog=-1", "cat=nan", "cat=inf"]
)
def test_class_weights_that_cannot_be_meant(text):
    with pytest.raises(UsageError, match="--class_weight"):
        parse_class_weight(text, ("cat", "dog"), np.array([0, 1]))
