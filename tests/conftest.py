"""What many tests stand on: small images, a tiny base, the shared photographs."""

import atexit
import ctypes
import gc
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from pipelines.bases import WeightsRequest, base_named, load_base
from pipelines.driver import extract
from pipelines.engines import opening
from pipelines.planning.job import ExtractJob, FeatureChoice
from pipelines.table.schema import PINS_FOLDER

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes is the machine's affair.
# Forty examples of a property in each of many runs find what a hundred find in fewer.
EXAMPLES = int(os.environ.get("FROZEN_FEATURES_EXAMPLES", "40"))
settings.register_profile("any machine", deadline=None, max_examples=EXAMPLES)
settings.load_profile("any machine")

LARGE_BYTES = 1 << 30

PROCESS_BYTES = 6 << 30
"""Of memory, what one process of tests may take while it exports or quantises a base."""

TINY = FeatureChoice(
    weights=WeightsRequest("random", seed=1),
    image_size=32,
)
"""VGG16 on 32 x 32 pixels: 512 features an image, milliseconds on any machine."""


@pytest.fixture(scope="session", autouse=True)
def _session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What fixtures of a wider scope make is kept apart from the user's caches too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FROZEN_FEATURES_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("FROZEN_FEATURES_CACHE_KEY", str(tmp_path_factory.mktemp("key") / "cache.key"))
        # Where a key is looked for next: the user's own is none of the tests'.
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        yield


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _session_cache: None) -> None:
    """No test reads or leaves anything in the user's caches."""
    monkeypatch.setenv("FROZEN_FEATURES_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module", autouse=True)
def _memory_given_back() -> Iterator[None]:
    """What a file of tests opened or exported by the gigabyte is not kept for the next file."""
    before = _resident()
    yield
    if _resident() - before > LARGE_BYTES:
        opening._engines.clear()
        opening._bases.clear()
        give_back_memory()


def give_back_memory() -> None:
    """Free what only a cycle still holds, and give the system what the allocator then keeps."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared photographs and weights: $FROZEN_FEATURES_SHARED, or ../shared."""
    folder = Path(os.environ.get("FROZEN_FEATURES_SHARED", ROOT.parent / "shared"))
    if not (folder / "images").is_dir() or not (folder / "weights").is_dir():
        message = f"no shared photographs and weights at {folder} (set FROZEN_FEATURES_SHARED)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def imagenet_weights(shared: Path) -> Path:
    return shared / "weights" / "vgg16_imagenet_notop.weights.h5"


@pytest.fixture(scope="session")
def photographs(shared: Path) -> Path:
    return shared / "images" / "cats_and_dogs_small"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that may take longest come first, lest one be left for the end, a core idle."""

    def limit(item: pytest.Item) -> float:
        marker = item.get_closest_marker("timeout")
        return float(marker.args[0]) if marker else 0.0

    longest: dict[Path, float] = {}
    for item in items:
        longest[item.path] = max(longest.get(item.path, 0.0), limit(item))
    items.sort(key=lambda item: -longest[item.path])


def pytest_collection_finish() -> None:
    """What was imported by now stays, and is not looked through for garbage again.

    DuckDB must not be among it: it lists on the terminal what it finds uncollected at the end.
    """
    gc.freeze()


def pytest_unconfigure() -> None:
    """End as Python does: commands were run in this process, but it is not their own."""
    atexit.unregister(gc.freeze)


def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores, since tests also wait; and no more than memory holds."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(4, len(os.sched_getaffinity(0)) + 1, memory // PROCESS_BYTES))


def write_image(path: Path, seed: int, size: tuple[int, int] = (40, 30)) -> Path:
    """A picture that is the same for the same seed: blocks of random colour, light or dark."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 256, (5, 5, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST).save(path)
    return path


def write_dataset(root: Path, per_class: dict[str, int], classes: tuple[str, ...]) -> Path:
    """`split/label/image` folders whose classes can be told apart by brightness."""
    for split, count in per_class.items():
        for number, label in enumerate(classes):
            for i in range(count):
                random = np.random.default_rng([number, i, len(split)])
                low = 200 * number // max(1, len(classes) - 1)
                blocks = random.integers(low, low + 56, (6, 6, 3), dtype=np.uint8)
                folder = root / split / label
                folder.mkdir(parents=True, exist_ok=True)
                picture = Image.fromarray(blocks).resize((36, 33), Image.Resampling.NEAREST)
                picture.save(folder / f"{label}{i:03d}.png")
    return root


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes: 24 + 10 + 10 images of each in train, validation and test."""
    root = tmp_path_factory.mktemp("dataset")
    return write_dataset(root, {"train": 24, "validation": 10, "test": 10}, ("dark", "light"))


@pytest.fixture(scope="session")
def make_job() -> Callable[..., ExtractJob]:
    """An extraction with the tiny base; keywords replace what differs."""

    def make(input: Path, table: Path, **changes: object) -> ExtractJob:
        job = ExtractJob(str(input), str(table), TINY, batch_size=8, threads=2)
        return replace(job, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def table(
    dataset: Path, make_job: Callable[..., ExtractJob], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The dataset's feature table; tests must not change it."""
    where = tmp_path_factory.mktemp("tables") / "features"
    extract(make_job(dataset, where, shard_rows=16))
    return where


@contextmanager
def base_forbidden(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No engine is opened and no base is loaded, by whatever name either is called.

    What this process has open already is out of sight too. The fingerprint of `TINY`'s weights is
    known, as it is after any earlier run.
    """
    load_base(base_named(TINY.base), 32, TINY.weights)

    def refuse(*_args: object) -> None:
        pytest.fail("the base was loaded")

    with monkeypatch.context() as patch:
        patch.setattr(opening, "_engines", {})
        patch.setattr(opening, "_bases", {})
        patch.setattr(opening, "_open", refuse)
        patch.setattr(opening, "load_base", refuse)
        yield


def copy_table(table: Path, where: Path) -> None:
    """Copy a table as it was extracted: without the pins that trainings of other tests left."""
    shutil.copytree(table, where, ignore=shutil.ignore_patterns(PINS_FOLDER))
