from hypothesis import given
from hypothesis import strategies as st

from pipelines.planning.cutting import cut_shards, make_plan, sort_inputs
from pipelines.records import ImageRef


def ref(name: str, split: str = "train", bytes: int = 1) -> ImageRef:
    return ImageRef(name, f"/{name}", "cat", split, bytes, 0, 0)


names = st.lists(st.text(min_size=1, max_size=3), unique=True, max_size=40)
splits = st.sampled_from(["train", "validation", "test"])
refs = st.lists(st.builds(ref, st.text(max_size=3), splits), unique_by=lambda r: r.image_id)


@given(refs=refs, rows=st.integers(1, 9), data=st.data())
def test_every_image_is_in_one_shard_whatever_the_order(refs, rows, data):
    shards = cut_shards(sorted(refs, key=lambda r: r.image_id), rows)
    assert sorted(r.image_id for s in shards for r in s.refs) == sorted(r.image_id for r in refs)
    assert all({r.split for r in shard.refs} == {shard.split} for shard in shards)
    assert all(1 <= len(shard.refs) <= rows for shard in shards)
    assert len({shard.name for shard in shards}) == len(shards)
    shuffled = data.draw(st.permutations(refs))
    nothing = frozenset()
    plan = make_plan(sort_inputs(shuffled, nothing, nothing, nothing), rows)
    assert plan.shards == tuple(shards)


@given(refs=refs, data=st.data())
def test_every_input_is_planned_once(refs, data):
    subset = st.sets(st.sampled_from([r.image_id for r in refs]) if refs else st.nothing())
    present, finished = frozenset(data.draw(subset)), frozenset(data.draw(subset))
    failed = frozenset((name, 1, 0) for name in data.draw(subset))
    plan = make_plan(sort_inputs(refs, present, finished, failed), 4)
    new = [r for shard in plan.shards for r in shard.refs]
    everywhere = [*plan.present, *plan.finished, *plan.known_failures, *new]
    assert sorted(r.image_id for r in everywhere) == sorted(r.image_id for r in refs)
    assert plan.attempted == len(new)
    assert {r.image_id for r in plan.present} == present
    assert not {r.image_id for r in new} & (present | finished | {name for name, _, _ in failed})


def test_a_known_failure_that_changed_is_tried_again():
    failed = frozenset({("a", 1, 0), ("b", 1, 0)})
    plan = make_plan(
        sort_inputs([ref("a"), ref("b", bytes=2)], frozenset(), frozenset(), failed), 4
    )
    assert [r.image_id for r in plan.known_failures] == ["a"]
    assert [r.image_id for r in plan.shards[0].refs] == ["b"]
