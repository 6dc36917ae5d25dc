"""What an audit is promised to find, on real photographs."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

import frozen_features as ff
from tests.photographs import run_extract

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(3000)]

TWINS = ("train/dogs/dog.980.jpg", "validation/dogs/dog.1273.jpg")
SPLITS = {"train": 40, "validation": 30, "test": 30}
MIRROR, BRIGHT = "mirror", "bright"


@pytest.fixture(autouse=True)
def _own_cache(_session_cache: None) -> None:
    """One cache for all of this module: the engines race and are converted once."""


def variants(path, random):
    """What becomes of photographs on their way through other people's hands, by name."""
    image = Image.open(path).convert("RGB")
    side = round(0.9 * image.width)
    left, top = random.integers(0, image.width - side + 1, 2)
    return {
        "resize": (image.resize((108, 108), Image.Resampling.BICUBIC), 95),
        "jpeg50": (image, 50),
        "crop90": (image.crop((left, top, left + side, top + side)), 95),
        MIRROR: (ImageOps.mirror(image), 95),
        BRIGHT: (ImageEnhance.Brightness(image).enhance(random.choice([0.7, 1.3])), 95),
    }


def test_variants_of_photographs_are_found(photographs, imagenet_weights, tmp_path):
    """One variant of every fifth photograph, in another split; docs/auditing.md has 300."""
    images, random = tmp_path / "images", np.random.default_rng(0)
    planted = 0
    for split, count in SPLITS.items():
        for label in ("cats", "dogs"):
            folder = images / split / label
            folder.mkdir(parents=True, exist_ok=True)
            paths = sorted((photographs / split / label).iterdir())[:count]
            paths += [photographs / name for name in TWINS if name.startswith(f"{split}/{label}/")]
            for path in dict.fromkeys(paths):
                (folder / path.name).symlink_to(path)
            for number, path in enumerate(paths[:count:5]):
                made = variants(path, random)
                name = list(made)[(planted + number) % len(made)]
                other = images / ("test" if split == "train" else "train") / label
                other.mkdir(parents=True, exist_ok=True)
                made[name][0].save(other / f"{path.stem}~{name}.jpg", quality=made[name][1])
            planted += len(paths[:count:5])
    table = run_extract(images, imagenet_weights, tmp_path / "table", "--engine", "ncnn")
    report = ff.audit(table, pictures=0)
    right = {"found": 0, "wrong": 0}
    for group in report.groups:
        names = {each.rpartition("/")[2].partition(".jpg")[0] for each in group.image_ids}
        stems = {each.partition("~")[0] for each in names}
        if group.image_ids == TWINS:
            assert group.kind == "same bytes"
            assert group.across_splits
        elif len(stems) == 1:
            right["found"] += len(names) - 1
        else:
            right["wrong"] += 1
    print(f"{right} of {planted}")
    assert TWINS in {group.image_ids for group in report.groups}
    assert right["found"] >= 0.95 * planted
    assert right["found"] >= 0.95 * (right["found"] + right["wrong"])
