"""Every row of the book has its command, and the page holds what the commands wrote."""

import importlib
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchmarks.literature import running
from benchmarks.literature.__main__ import PAGE, PICTURE, RESULTS
from benchmarks.literature.costs import Cost, run_command
from benchmarks.literature.page import as_page, read_results
from benchmarks.literature.running import Place, go_way, take_step
from benchmarks.literature.ways import STEPS, WAYS, Way, way_named

QUICK = {
    "dense": ("--epochs", "2", "--units", "8"),
    "softmax": ("--epochs", "2"),
    "finetune": ("--epochs", "1", "--head_epochs", "1"),
    "convnet": ("--epochs", "1", "--units", "8"),
}


def in_this_process(module: str, arguments: Sequence[object]) -> Cost:
    """As `run_command`, without the seconds in which a process of its own would begin."""
    started, worked = time.perf_counter(), time.process_time()
    assert importlib.import_module(module).main([str(each) for each in arguments]) == 0
    return Cost(time.perf_counter() - started, time.process_time() - worked)


def quick(way: Way) -> Way:
    """The same way, short: what is given last counts."""
    head = way.options[way.options.index("--head") + 1]
    return replace(way, options=(*way.options, *QUICK.get(head, ())), seeds=way.seeds[:1])


@pytest.fixture(scope="module")
def place(dataset, tmp_path_factory) -> Place:
    """The tiny images at 48 pixels, the least that the convnet takes, and no ImageNet weights."""
    work = tmp_path_factory.mktemp("literature")
    return Place(dataset, "random:1", 48, work, work / "results")


@pytest.fixture(autouse=True)
def _one_process(monkeypatch):
    monkeypatch.setattr(running, "run_command", in_this_process)


@pytest.mark.acceptance
@pytest.mark.parametrize("way", WAYS, ids=[way.name for way in WAYS])
def test_a_way_s_command_runs_and_keeps_what_it_found(place, way):
    for step in way.steps:
        take_step(step, place)
    go_way(quick(way), place)
    result = json.loads(place.result(way.name).read_text())
    assert [run["seed"] for run in result["runs"]] == list(way.seeds[:1])
    for run in result["runs"]:
        assert 0.0 <= run["validation"] <= 1.0
        assert 0.0 <= run["test"] <= 1.0
        assert run["cpu_seconds"] > 0
    through = result["runs"][0]["images_through_base"]
    on_base = way.reads_images and "convnet" not in way.options
    assert (through > 0) == on_base
    # Done once: what has a result is left alone.
    before = place.result(way.name).stat().st_mtime_ns
    go_way(quick(way), place)
    assert place.result(way.name).stat().st_mtime_ns == before


@pytest.mark.acceptance
def test_steps_of_one_table_count_what_each_adds(place):
    for step in STEPS:
        take_step(step, place)
    results = read_results(place.results)
    for table in ("rescaled", "imagenet", "block4"):
        assert results[f"extract-{table}-0"]["images_through_base"] == 88
        assert results[f"extract-{table}-4"]["images_through_base"] == 4 * 48
        assert results[f"extract-{table}-4"]["bytes"] > results[f"extract-{table}-0"]["bytes"]


def made_up(accuracies: list[float], seconds: float, through: int) -> dict:
    cost = {"seconds": seconds / 2, "cpu_seconds": seconds, "images_through_base": through}
    runs = [{"validation": a, "test": a - 0.01, "history": [{}] * 30, **cost} for a in accuracies]
    machine = {"processor": "P", "cores": 2, "memory_gib": 8, "system": "S", "versions": {"a": "1"}}
    return {"command": "python -m train", "runs": runs, "machine": machine}


def test_a_row_adds_up_what_a_way_needs():
    step = {"command": "python -m extract", "seconds": 40, "cpu_seconds": 60}
    step |= {"images_through_base": 100}
    machine = made_up([0.0], 0, 0)["machine"]
    results = {
        "extract-imagenet-0": {**step, "bytes": 2_000_000, "machine": machine},
        "extract-imagenet-4": {**step, "bytes": 9_000_000, "machine": machine},
        "dense-copies": made_up([0.9, 0.91], 30, 0),
        "end-to-end": made_up([0.95], 6000, 5000),
    }
    page = as_page(results, "curves.png")
    title = way_named("dense-copies").title
    accuracies = "0.9050 (0.900 to 0.910) | 0.8950 (0.890 to 0.900)"
    assert f"| {title} (2 seeds) | - | {accuracies} | 30 | 1.6 | 2.5 | 200 | 9 MB |" in page
    assert "| about 0.96 (30) | 0.950 | 0.940 | 30 | 50.0 | 100.0 | 5,000 | - |" in page
    assert "Not run yet: small convnet from scratch; " in page
    assert page.count("python -m extract") == 2


def test_a_way_that_had_fewer_epochs_than_it_is_to_have_is_named_with_what_one_costs():
    way = way_named("convnet-augmented")
    for epochs, said in ((40, True), (way.epochs, False)):
        result = made_up([0.8], 3000, 0)
        rows = [{"cpu_seconds": 42.0 + epoch % 2} for epoch in range(epochs)]
        result["runs"][0]["history"] = rows
        page = as_page({way.name: result}, "curves.png")
        told = f"so far: {way.title}, 40 of 160 passes, each 42 seconds of a processor."
        assert (told in page) is said


def test_a_way_that_fell_below_its_best_epoch_is_named_with_it():
    way = way_named("convnet-augmented")
    for last, said in ((0.76, True), (0.82, False)):
        result = made_up([last], 3000, 0)
        rows = [
            {"epoch": epoch, "val_accuracy": accuracy, "cpu_seconds": 1.0}
            for epoch, accuracy in ((1.0, 0.7), (2.0, 0.83), (3.0, last))
        ]
        result["runs"][0].update(validation=last, history=rows)
        page = as_page({way.name: result}, "curves.png")
        assert (f"keeps them: {way.title}, 0.830 after epoch 2." in page) is said


def test_the_page_is_what_its_command_writes():
    results = read_results(RESULTS)
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else None
    assert page == (as_page(results, f"images/{PICTURE.name}") if results else None)


def mean_of(name: str, measure: str) -> float:
    """Over the seeds of a way, as its command measured it on the real photographs."""
    return statistics.mean(run[measure] for run in read_results(RESULTS)[name]["runs"])


def test_fine_tuning_on_copies_is_worth_what_was_promised():
    dense, tuned = (mean_of(name, "test") for name in ("dense", "finetune-copies"))
    assert tuned >= max(0.965, dense + 0.005)
    assert mean_of("finetune", "test") >= dense


def test_copies_give_the_dense_head_the_point_that_was_promised():
    plain, long, copies = (
        mean_of(name, "validation")
        for name in ("dense-rescaled", "dense-rescaled-long", "dense-rescaled-copies")
    )
    assert copies >= max(plain, long) + 0.01


def test_the_convnet_is_where_the_book_has_it():
    assert 0.68 <= mean_of("convnet", "validation") <= 0.76
    (run,) = read_results(RESULTS)["convnet"]["runs"]
    assert len(run["history"]) == 30


def test_what_a_command_costs_is_counted_over_all_processors():
    cost = run_command("timeit", ["-n", "1", "-r", "1", "sum(range(3_000_000))"])
    assert cost.cpu_seconds > 0
    assert cost + cost == Cost(2 * cost.seconds, 2 * cost.cpu_seconds)


def test_every_table_of_a_way_is_a_step_that_is_taken():
    assert {step for way in WAYS for step in way.steps} == set(STEPS)
    assert len({way.name for way in WAYS}) == len(WAYS)
