"""The forecast's formulas, on figures small enough to work out by hand."""

import math
from dataclasses import replace
from heapq import heapreplace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engines.bottleneck import Waits
from pipelines.errors import UsageError
from pipelines.planning.shard_sizes import ShardSizes
from pipelines.planning.sizing import forecast as formulas
from pipelines.planning.sizing.forecast import Workload, busiest, forecast, plan_worker, workers_for
from pipelines.planning.sizing.measuring import Measured
from pipelines.planning.sizing.pod_sizes import MEBIBYTE, as_yaml, fit_pods

MEASURED = Measured(
    engine="ncnn",
    cores=2,
    images_per_second=50.0,
    engine_images_per_second=60.0,
    decoded_per_second=100.0,
    encoded_per_second=1000.0,
    startup_seconds=4.0,
    part_seconds=0.5,
    waits=Waits(base=9.0, images=0.5, writing=0.5),
    feature_length=8192,
    row_bytes=6700.5,
    shards=ShardSizes(1024, 8192, 32, 60.0),
    peak_bytes=800 * MEBIBYTE,
    cold_seconds=12.0,
    cold_bytes=2_000 * MEBIBYTE,
    engine_bytes=60 * MEBIBYTE,
)
WORK = Workload(
    images=10_000,
    sources=10_000,
    bytes_read=240_000_000,
    listed=12_000,
    listed_rows=12_000,
    listing_seconds=0.25,
    commit_every=None,
)


def work_of(count):
    """So many images, all of them to be extracted."""
    return replace(WORK, images=count, sources=count, listed=count, listed_rows=count)


def plan(work=WORK, measured=MEASURED, workers=1):
    return forecast(work, measured, plan_worker(measured, None, None), workers)


def test_one_worker_takes_start_driver_and_images_over_rate():
    found = plan()
    assert found.extract_seconds == 10_000 / 50
    looks = 2 * 12_000 * formulas.LOOK_SECONDS
    driver = 0.25 + looks + 10_000 * formulas.JOB_SECONDS + 10 * formulas.FILE_SECONDS
    assert found.driver_seconds == pytest.approx(driver)
    assert found.seconds == pytest.approx(4 + driver + 200)
    assert found.core_hours == pytest.approx(2 * found.seconds / 3600)
    assert found.images_per_second == 50


def test_bytes_files_and_requests():
    found = plan()
    assert (found.files, found.commits) == (10, 1)
    assert found.bytes_stored == 67_005_000
    assert found.bytes_raw == 10_000 * 32_768
    assert found.bytes_read == 240_000_000
    assert found.gets == 10_000 + 10 * formulas.READS_A_FILE
    assert found.puts == 10 + formulas.WRITES_A_COMMIT
    assert found.lists == 12 + 2
    assert found.driver_bytes == 12_000 * formulas.DRIVER_BYTES


def test_copies_are_rows_of_the_driver_and_read_with_their_image():
    work = replace(WORK, images=50_000, listed_rows=52_000, commit_every=1_000)
    found = plan(work)
    assert found.commits == 10  # a part is of images, whatever copies they have
    assert found.bytes_job == 5_000 * formulas.JOB_BYTES
    assert found.driver_bytes == 52_000 * formulas.DRIVER_BYTES
    assert found.gets == 10_000 + found.files * formulas.READS_A_FILE


def test_every_part_starts_looks_and_ends_on_its_own():
    once, often = plan(), plan(replace(WORK, commit_every=2_600))
    assert often.commits == 4
    assert often.files == 4 * 3  # 2,500 images a part
    extra = 3 * 12_000 * formulas.LOOK_SECONDS + 2 * formulas.FILE_SECONDS
    assert often.driver_seconds - once.driver_seconds == pytest.approx(extra)
    assert often.seconds - once.seconds == pytest.approx(extra + 3 * 0.5)
    assert often.bytes_job == 2_500 * formulas.JOB_BYTES < once.bytes_job
    two = plan(replace(WORK, commit_every=2_600), workers=2)
    assert two.extract_seconds == 4 * (1024 + 452) / 50


def test_shards_are_not_shared():
    assert plan(workers=10).extract_seconds == 1024 / 50
    assert plan(workers=4).extract_seconds == 3 * 1024 / 50
    assert plan(workers=1_000).extract_seconds == 1024 / 50


CUT = replace(MEASURED, shards=ShardSizes(None, 8192, 32, 50.0))
"""The same worker, whose shards are cut as a run cuts them."""


def test_more_workers_get_smaller_shards():
    found = plan(measured=CUT)
    assert (found.shard_rows, found.files) == (1024, 10)
    found = plan(measured=CUT, workers=20)
    assert (found.shard_rows, found.files) == (128, 79)
    assert found.extract_seconds == 4 * 128 / 50


def test_as_many_workers_as_there_are_shards_of_two_seconds():
    worker = plan_worker(CUT, None, None)
    with pytest.raises(UsageError, match=r"with 105 workers, a shard each"):
        workers_for(WORK, CUT, worker, 0.001)
    enough = workers_for(WORK, CUT, worker, 0.003)
    assert plan(measured=CUT, workers=enough).seconds <= 0.003 * 3600
    assert plan(measured=CUT, workers=enough - 1).seconds > 0.003 * 3600


images = st.integers(1, 3_000)
workers = st.integers(1, 60)


@given(images, st.integers(1, 200), workers)
def test_the_busiest_worker_is_that_of_shards_taken_in_turn(count, rows, among):
    loads = [0] * among
    left = count
    while left:
        heapreplace(loads, loads[0] + min(rows, left))
        left -= min(rows, left)
    assert busiest(count, rows, among) == max(loads)


@given(st.integers(1, 10**10), workers)
def test_more_workers_never_take_longer(count, among):
    work = work_of(count)
    assert plan(work, workers=among + 1).seconds <= plan(work, workers=among).seconds


@given(st.integers(1, 10**9), st.integers(1, 50))
def test_bytes_grow_with_the_images(count, times):
    few = plan(work_of(count))
    many = plan(work_of(count * times))
    assert abs(many.bytes_stored - times * few.bytes_stored) <= times
    assert many.bytes_raw == times * few.bytes_raw
    assert many.gets >= times * count


@given(images, st.floats(0.002, 10.0))
def test_the_fewest_workers_that_are_done_in_time(count, hours):
    work = work_of(count * 100)
    worker = plan_worker(MEASURED, None, None)
    try:
        enough = workers_for(work, MEASURED, worker, hours)
    except UsageError:
        assert plan(work, workers=math.ceil(count * 100 / 1024)).seconds > hours * 3600
        return
    assert plan(work, workers=enough).seconds <= hours * 3600
    assert enough == 1 or plan(work, workers=enough - 1).seconds > hours * 3600


def test_too_short_a_time_is_refused_with_what_it_takes():
    with pytest.raises(UsageError, match=r"--hours 0.001: with 10 workers, a shard each.*0.0069"):
        workers_for(WORK, MEASURED, plan_worker(MEASURED, None, None), 0.001)


def test_a_worker_with_other_cores_is_scaled():
    worker = plan_worker(MEASURED, 8, None)
    assert (worker.images_per_second, worker.cores) == (200.0, 8)


@pytest.mark.parametrize(
    ("elsewhere", "cores", "rate", "waits"),
    [
        (100.0, 8, 100.0, Waits(base=1.0)),
        (1000.0, 8, 8 / 0.011, Waits(base=8 / 11, images=3 / 11)),
        (4000.0, 64, 1000.0, Waits(base=0.25, writing=0.75)),
    ],
)
def test_a_faster_base_waits_for_what_is_slower(elsewhere, cores, rate, waits):
    worker = plan_worker(MEASURED, cores, elsewhere)
    assert worker.images_per_second == pytest.approx(rate)
    assert worker.waits.base == pytest.approx(waits.base)
    assert worker.waits.images == pytest.approx(waits.images)
    assert worker.waits.writing == pytest.approx(waits.writing)
    assert worker.busy_cores == math.ceil(elsewhere * 0.011)


@given(st.integers(1, 10**10), st.integers(10**8, 10**11), workers, st.integers(0, 10**9))
def test_requests_hold_what_is_forecast(count, peak, among, engine_bytes):
    measured = replace(MEASURED, cold_bytes=peak)
    found = plan(work_of(count), measured, among)
    sizes = fit_pods(found, 2, engine_bytes)
    assert sizes.worker.memory * MEBIBYTE >= 1.25 * peak
    assert sizes.submit.memory * MEBIBYTE >= 1.25 * (peak + found.driver_bytes)
    assert sizes.worker.disk * MEBIBYTE >= 2 * engine_bytes
    heap = 0.45 * (sizes.taskmanager - 1728) * MEBIBYTE
    assert heap >= 4.6 * found.bytes_job
    assert sizes.jobmanager * MEBIBYTE >= 1600 * MEBIBYTE + 3.3 / 0.9 * found.bytes_job
    assert sizes.workers == among


def test_the_patches_are_yaml_with_the_sizes():
    text = as_yaml(fit_pods(plan(workers=4), 2, 60 * MEBIBYTE))
    options, cluster, job = (
        (each["target"]["name"], {op["path"]: op for op in yaml.safe_load(each["patch"])})
        for each in yaml.safe_load(text)["patches"]
    )
    assert (options[0], cluster[0], job[0]) == ("options", "flink", "extract")
    assert options[1]["/data/PARALLELISM"]["value"] == "4"
    # 10,000 images of 75 bytes are 0.7 MiB: 7.9 and 2.9 MiB more than Flink's own sizes.
    assert cluster[1]["/spec/taskManager/resource/memory"]["value"] == "1792m"
    assert cluster[1]["/spec/jobManager/resource/memory"]["value"] == "1664m"
    worker = "/spec/taskManager/podTemplate/spec/initContainers/0"
    assert cluster[1][f"{worker}/name"] == {
        "op": "test",
        "path": f"{worker}/name",
        "value": "worker",
    }
    # (2,000 + 175 MiB) x 1.25 and 1,024 + 2 x 60 MiB, rounded up to 64 MiB.
    size = {"cpu": "2", "memory": "2752Mi", "ephemeral-storage": "1152Mi"}
    assert cluster[1][f"{worker}/resources"]["value"] == {"requests": size, "limits": size}
    submit = job[1]["/spec/jobTemplate/spec/template/spec/containers/0/resources"]["value"]
    assert submit["requests"] == submit["limits"]
