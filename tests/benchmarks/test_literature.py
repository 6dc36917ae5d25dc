"""Every row of the literature has its command, and the page holds what the commands wrote."""

import json
from dataclasses import replace

import pytest

from benchmarks.literature.__main__ import PAGE, PICTURE, RESULTS
from benchmarks.literature.costs import Cost, run_command
from benchmarks.literature.page import as_page, read_results
from benchmarks.literature.running import Place, go_way, take_step
from benchmarks.literature.ways import STEPS, WAYS, Way, way_named

SAMPLE = ("convnet", "dense-copies", "finetune-copies")
"""One of each kind of command, for CI; all of them with `make test-lengthy`."""

QUICK = {
    "dense": ("--epochs", "2", "--units", "8"),
    "softmax": ("--epochs", "2"),
    "finetune": ("--epochs", "1", "--head_epochs", "1"),
    "convnet": ("--epochs", "1", "--units", "8"),
}


def quick(way: Way) -> Way:
    """The same way, short: what is given last counts."""
    head = way.options[way.options.index("--head") + 1]
    return replace(way, options=(*way.options, *QUICK.get(head, ())), seeds=way.seeds[:1])


@pytest.fixture(scope="module")
def place(dataset, tmp_path_factory) -> Place:
    """The tiny images at 48 pixels, the least that the convnet takes, and no ImageNet weights."""
    work = tmp_path_factory.mktemp("literature")
    return Place(dataset, "random:1", 48, work, work / "results")


@pytest.fixture(scope="module")
def extracted(place) -> Place:
    for step in STEPS:
        take_step(step, place)
    return place


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(
            way,
            id=way.name,
            marks=pytest.mark.acceptance if way.name in SAMPLE else pytest.mark.lengthy,
        )
        for way in WAYS
    ],
)
def test_a_way_s_command_runs_and_keeps_what_it_found(place, way):
    for step in way.steps:
        take_step(step, place)
    extracted = place
    go_way(quick(way), extracted)
    result = json.loads(extracted.result(way.name).read_text())
    assert [run["seed"] for run in result["runs"]] == list(way.seeds[:1])
    for run in result["runs"]:
        assert 0.0 <= run["validation"] <= 1.0
        assert 0.0 <= run["test"] <= 1.0
        assert run["cpu_seconds"] > 0
    through = result["runs"][0]["images_through_base"]
    on_base = way.reads_images and "convnet" not in way.options
    assert (through > 0) == on_base
    # Done once: what has a result is left alone.
    before = extracted.result(way.name).stat().st_mtime_ns
    go_way(quick(way), extracted)
    assert extracted.result(way.name).stat().st_mtime_ns == before


@pytest.mark.lengthy
def test_steps_of_one_table_count_what_each_adds(extracted):
    results = read_results(extracted.results)
    for table in ("rescaled", "imagenet", "block4"):
        assert results[f"extract-{table}-0"]["images_through_base"] == 88
        assert results[f"extract-{table}-4"]["images_through_base"] == 4 * 48
        assert results[f"extract-{table}-4"]["bytes"] > results[f"extract-{table}-0"]["bytes"]


def made_up(accuracy: float, seconds: float, through: int) -> dict:
    run = {"validation": accuracy, "test": accuracy - 0.01, "cpu_seconds": seconds}
    run |= {"images_through_base": through, "history": []}
    machine = {"processor": "P", "cores": 2, "memory_gib": 8, "system": "S", "versions": {"a": "1"}}
    return {"command": "python -m train", "runs": [run, run], "machine": machine}


def test_a_row_adds_up_what_a_way_needs():
    step = {"command": "python -m extract", "cpu_seconds": 60, "images_through_base": 100}
    machine = made_up(0, 0, 0)["machine"]
    results = {
        "extract-imagenet-0": {**step, "bytes": 2_000_000, "machine": machine},
        "extract-imagenet-4": {**step, "bytes": 9_000_000, "machine": machine},
        "dense-copies": made_up(0.9, 30, 0),
        "end-to-end": made_up(0.95, 6000, 5000),
    }
    page = as_page(results, "curves.png")
    title = way_named("dense-copies").title
    assert f"| {title} (2 seeds) | - | 0.900 | 0.890 | 2.5 | 200 | 9 MB |" in page
    assert "| about 0.96 | 0.950 | 0.940 | 100.0 | 5,000 | - |" in page
    assert "Not run yet: a small convnet from scratch, " in page
    assert page.count("python -m extract") == 2


def test_the_page_is_what_its_command_writes():
    results = read_results(RESULTS)
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else None
    assert page == (as_page(results, f"images/{PICTURE.name}") if results else None)


def test_what_a_command_costs_is_counted_over_all_processors():
    cost = run_command("timeit", ["-n", "1", "-r", "1", "sum(range(3_000_000))"])
    assert cost.cpu_seconds > 0
    assert cost + cost == Cost(2 * cost.seconds, 2 * cost.cpu_seconds)


def test_every_table_of_a_way_is_a_step_that_is_taken():
    assert {step for way in WAYS for step in way.steps} == set(STEPS)
    assert len({way.name for way in WAYS}) == len(WAYS)
