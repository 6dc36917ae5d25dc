"""The file that a training goes on from: what comes back, and what is not believed."""

from dataclasses import replace

import numpy as np

from classifiers.heads.course import Position, State
from classifiers.models.training_state import FILE, TrainingState, digest

ROWS = [[{"epoch": 1, "loss": 0.1 + 0.2}], [{"epoch": 1, "loss": 1e-300}]]
STATE = State(
    Position(1, ROWS, 2, 0.3, 1, 12.5, 20.0),
    [np.arange(6, dtype=np.float32).reshape(2, 3), np.array([7, 8], np.uint32)],
    [np.array(5, np.int64)],
    [np.ones((2, 3), np.float32), np.zeros(2, np.uint32)],
)
IDENTITY = {"seed": 1, "settings": {"epochs": 3, "units": None}, "class_weight": [(0, 1.5)]}


def store(folder, identity=IDENTITY, every=0.0) -> TrainingState:
    return TrainingState(folder / "model", identity, every)


def same(one: State, other: State) -> bool:
    pairs = zip(
        [*one.weights, None, *one.slots, None, *one.best],
        [*other.weights, None, *other.slots, None, *other.best],
        strict=True,
    )
    return one.position == other.position and all(
        (a is b) if a is None or b is None else (a.dtype, a.tolist()) == (b.dtype, b.tolist())
        for a, b in pairs
    )


def test_a_state_comes_back_and_goes_away(tmp_path, capsys):
    assert store(tmp_path).load() is None
    mine = store(tmp_path)
    mine.save(replace(STATE, position=Position()))
    mine.save(STATE)
    assert [path.name for path in tmp_path.iterdir()] == ["model.training"]
    assert same(store(tmp_path).load(), STATE)
    (mine.folder / ".draft-of-a-killed-process").write_bytes(b"half")
    mine.delete()
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""


def test_another_training_is_told_from_this_one(tmp_path, capsys):
    store(tmp_path).save(STATE)
    for change in ({"seed": 2}, {"settings": {"epochs": 4}, "new": 1}):
        assert store(tmp_path, IDENTITY | change).load() is None
        (line,) = capsys.readouterr().err.splitlines()
        names = ", ".join(sorted(change))
        assert line.endswith(f"is of another training ({names} differ), so this one starts anew")
    assert same(store(tmp_path).load(), STATE)


def test_damage_of_any_kind_starts_anew_with_one_line(tmp_path, capsys):
    store(tmp_path).save(STATE)
    path = tmp_path / "model.training" / FILE
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(STATE.weights[0].tobytes()) + 9] ^= 1
    wrong = whole.replace(b'"step": 1', b'"step": 8')
    for damaged in (b"", b"PK", whole[:-1], whole[: len(whole) // 2], bytes(flipped), wrong):
        path.write_bytes(damaged)
        assert store(tmp_path).load() is None
        (line,) = capsys.readouterr().err.splitlines()
        assert "is damaged, so the training starts anew: " in line


def test_arrays_of_objects_are_never_unpickled(tmp_path, capsys):
    folder = tmp_path / "model.training"
    folder.mkdir()
    np.savez(folder / FILE, np.array([{"a": 1}], dtype=object))
    assert store(tmp_path).load() is None
    assert "allow_pickle=False" in capsys.readouterr().err


def test_what_cannot_be_written_does_not_end_the_training(tmp_path, capsys):
    (tmp_path / "model.training").write_text("somebody's file")
    mine = store(tmp_path)
    mine.save(STATE)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("the state of the training could not be kept, which goes on: ")
    mine.delete()
    assert (tmp_path / "model.training").read_text() == "somebody's file"


def test_what_is_not_ours_is_left_there(tmp_path):
    mine = store(tmp_path)
    mine.save(STATE)
    (mine.folder / "notes.txt").write_text("mine")
    mine.delete()
    assert [path.name for path in mine.folder.iterdir()] == ["notes.txt"]


def test_states_are_written_so_many_seconds_apart(tmp_path, monkeypatch):
    now = 100.0
    monkeypatch.setattr("classifiers.models.training_state.time.monotonic", lambda: now)
    mine = store(tmp_path, every=10.0)
    now = 109.0
    assert not mine.is_due()
    now = 110.0
    assert mine.is_due()
    mine.save(STATE)
    assert not mine.is_due()
    assert store(tmp_path).is_due()


def test_a_hash_tells_arrays_apart_by_values_shape_and_kind():
    one = np.arange(6)
    others = [one + 1, one.reshape(2, 3), one.astype(np.int32), one[::-1], b"\0" * 48]
    assert len({digest([each]) for each in [one, *others]}) == 6
    assert digest([one, b"ab"]) == digest([one.copy(), b"ab"]) != digest([one, b"a", b"b"])
