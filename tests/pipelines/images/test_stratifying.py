"""Splits by groups, and splits with some of every class: stable whatever is added."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import InputError
from pipelines.images.layout import BY_GROUP, BY_ID, STRATIFIED, Layout
from pipelines.images.listing import list_images
from pipelines.images.splits import UNDECIDED, split_of
from pipelines.images.stat_data import ref_without_stat
from pipelines.images.stratifying import SPLITS, stratify

STRATIFY = Layout(split_by=STRATIFIED)


def refs_of(rows):
    """Undecided images of (label, group or None), by their number."""
    refs = []
    for number, (label, group) in rows:
        ref = ref_without_stat(f"{number:03d}.jpg", "x", label, UNDECIDED)
        object.__setattr__(ref, "group", group)
        refs.append(ref)
    return sorted(refs, key=lambda ref: ref.image_id)


def splits(refs):
    return {ref.image_id: ref.split for ref in refs}


def listed(tmp_path, text, **layout):
    (tmp_path / "m.csv").write_text(text)
    refs = list_images(str(tmp_path / "m.csv"), None, Layout(**layout))
    return [(ref.image_id, ref.group, ref.split) for ref in refs]


def test_a_group_s_images_have_one_split_that_depends_on_its_name_alone(tmp_path):
    rows = "".join(f"{n}.jpg,cat,patient {n % 7}\n" for n in range(70))
    found = listed(tmp_path, f"path,label,group\n{rows}")
    assert all(split == split_of("any", "cat", group) for _, group, split in found)
    assert len({split for _, _, split in found}) > 1
    by_id = listed(tmp_path, f"path,label,group\n{rows}", split_by=BY_ID)
    assert all(split == split_of(name, "cat") for name, _, split in by_id)
    assert [group for _, group, _ in by_id] == [group for _, group, _ in found]


def test_images_without_a_group_go_by_their_id_and_numbers_are_groups(tmp_path):
    found = listed(tmp_path, "path,label,group\na.jpg,cat,7.0\nb.jpg,cat,\nc.jpg,cat,7\n")
    assert [group for _, group, _ in found] == ["7", None, "7"]
    assert found[1][2] == split_of("b.jpg", "cat")


def test_a_split_that_the_input_names_stays(tmp_path):
    text = "path,label,group,split\na.jpg,cat,p,test\nb.jpg,cat,p,train\n"
    for by in (None, BY_ID, BY_GROUP, STRATIFIED):
        found = listed(tmp_path, text, split_by=by)
        assert [split for _, _, split in found] == ["test", "train"]


def test_splitting_by_groups_needs_some(tmp_path):
    with pytest.raises(InputError, match=r"no image of .* has a group; --group_column names"):
        listed(tmp_path, "path,label\na.jpg,cat\n", split_by=BY_GROUP)


def test_a_column_that_looks_like_groups_is_named(tmp_path, capsys):
    listed(tmp_path, "path,label,patient_id\na.jpg,cat,p\n")
    assert "--group_column 'patient_id' takes it for the group" in capsys.readouterr().err
    columns = {"group": "patient_id"}
    (found,) = listed(tmp_path, "path,label,patient_id\na.jpg,cat,p\n", columns=columns)
    assert found[1] == "p"


labels = st.sampled_from(["a", "b", "c"])
plain = st.lists(st.tuples(st.integers(0, 400), st.tuples(labels, st.none())), max_size=40)
groups = st.none() | st.sampled_from([f"g{n}" for n in range(12)])
mixed = st.lists(st.tuples(st.integers(0, 400), st.tuples(labels, groups)), max_size=40)


def unique(rows):
    return list(dict(rows).items())


@given(plain.map(unique))
def test_every_class_of_three_is_in_each_split(rows):
    found = defaultdict(set)
    counts = defaultdict(int)
    for ref in stratify(refs_of(rows), {}):
        found[ref.label].add(ref.split)
        counts[ref.label] += 1
    for label, count in counts.items():
        assert count < 3 or found[label] == {*SPLITS}


@given(mixed.map(unique), mixed.map(unique))
def test_what_is_held_stays_and_groups_stay_together(rows, more):
    first = stratify(refs_of(rows), {})
    both = {**dict(more), **dict(rows)}
    then = stratify(refs_of(both.items()), splits(first))
    after = splits(then)
    assert {name: after[name] for name in splits(first)} == splits(first)
    for refs in (first, then):
        by_group = defaultdict(set)
        for ref in refs:
            by_group[ref.group].add(ref.split)
        assert all(len(each) == 1 for group, each in by_group.items() if group is not None)


def test_images_that_are_added_fill_the_splits_that_a_class_lacks():
    rows = [(n, ("a", None)) for n in range(2)]
    held = {f"{n:03d}.jpg": "train" for n in range(2)}
    rows += [(n, ("a", None)) for n in range(2, 5)]
    after = splits(stratify(refs_of(rows), held))
    assert {*after.values()} == {*SPLITS}
    assert [after[name] for name in held] == ["train"] * 2


def test_most_images_stay_where_their_hash_puts_them():
    rows = [(n, ("a", None)) for n in range(300)] + [(n, ("b", None)) for n in range(300, 304)]
    after = splits(stratify(refs_of(rows), {}))
    assert sum(after[name] != split_of(name, "a") for name in after) <= 2


def test_a_small_set_is_stratified_from_a_folder(tmp_path):
    for label in ("cat", "dog", "eel"):
        for number in range(3):
            (tmp_path / label).mkdir(exist_ok=True)
            (tmp_path / label / f"{number}.jpg").write_bytes(b"x")
    (tmp_path / "few").mkdir()
    (tmp_path / "few/0.jpg").write_bytes(b"x")
    found = defaultdict(list)
    for ref in list_images(str(tmp_path), None, STRATIFY):
        found[ref.label].append(ref.split)
    assert found.pop("few") == [split_of("few/0.jpg", "few")]
    assert all(sorted(each) == sorted(SPLITS) for each in found.values())
