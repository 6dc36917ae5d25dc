import numpy as np
import pytest

from classifiers.data.encoding import (
    classes_of,
    encode,
    left_out_line,
    named,
    no_class_known,
    parse_class_weight,
    unknown_classes,
)
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


def test_classes_that_training_never_saw_are_left_out_and_counted():
    some = labels("bird", "cat", None, "bird", "dog", "fish")
    targets, known = encode(some, ("cat", "dog"))
    np.testing.assert_array_equal(targets, [0, 1])
    np.testing.assert_array_equal(known, [False, True, False, False, True, False])
    unknown = unknown_classes(some, ("cat", "dog"))
    assert unknown == {"bird": 2, "fish": 1}
    assert left_out_line("test", unknown) == (
        "left out of split 'test': 3 images of 2 classes without an image to train on: bird, fish"
    )


def test_a_split_of_no_known_class_is_named_with_both():
    unlabelled = no_class_known("dev", unknown_classes(labels(None), ["cat"]), ["cat"])
    assert str(unlabelled) == "no image of split 'dev' has a label"
    others = no_class_known("dev", unknown_classes(labels("bird"), ["cat"]), ["cat", "dog"])
    assert "'dev' is of a class that is trained on: it has bird, and not cat, dog" in str(others)


def test_a_message_names_a_few_of_many_classes():
    assert named(["a", "b"]) == "a, b"
    assert named([str(k) for k in range(120)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 110 more"


def test_class_weights():
    targets = np.array([0, 0, 0, 1])
    classes = ("cat", "dog")
    assert parse_class_weight("none", classes, targets) is None
    balanced = parse_class_weight("balanced", classes, targets)
    assert balanced == {0: pytest.approx(4 / 6), 1: pytest.approx(2.0)}
    assert parse_class_weight("dog = 2.5", classes, targets) == {0: 1.0, 1: 2.5}


def test_a_class_whose_name_holds_what_separates_weights():
    classes = ("a", "a,b", "c=d", " e")
    weights = parse_class_weight("a,b=2,c=d=3, e=4", classes, np.arange(4))
    assert weights == {0: 1.0, 1: 2.0, 2: 3.0, 3: 4.0}


@pytest.mark.parametrize(
    "text", ["bird=2", "dog=much", "heavy", "dog=0", "dog=-1", "cat=nan", "cat=inf"]
)
def test_class_weights_that_cannot_be_meant(text):
    with pytest.raises(UsageError, match="--class_weight"):
        parse_class_weight(text, ("cat", "dog"), np.array([0, 1]))
