from collections import Counter

import pytest

from pipelines.commits.books import Books, reconcile
from pipelines.errors import CommitRefusedError

CATS, DOGS = ("train", "cats"), ("train", "dogs")


def books(**changes: Counter) -> Books:
    values = {
        "inputs": Counter({CATS: 10, DOGS: 4}),
        "present": Counter({CATS: 3}),
        "written": Counter({CATS: 4, DOGS: 3}),
        "known_failures": Counter({CATS: 1}),
        "new_failures": Counter({CATS: 1}),
        "waiting": Counter({CATS: 1, DOGS: 1}),
    }
    return Books(**(values | changes))


def test_books_that_balance():
    reconcile(books())
    assert books().totals() == {
        "inputs": 14,
        "present": 3,
        "written": 7,
        "known_failures": 1,
        "new_failures": 1,
        "waiting": 2,
    }


@pytest.mark.parametrize("written", [{CATS: 3, DOGS: 3}, {CATS: 5, DOGS: 3}, {CATS: 4}])
def test_books_that_do_not(written):
    with pytest.raises(CommitRefusedError, match="images of train/"):
        reconcile(books(written=Counter(written)))


def test_the_totals_alone_are_not_enough():
    with pytest.raises(CommitRefusedError, match=r"2 split and label pairs differ"):
        reconcile(books(written=Counter({CATS: 3, DOGS: 4})))
