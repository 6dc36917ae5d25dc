"""Writes images with the library `datasets`, in a process of its own: it changes pickling.

Run as a program: the folder of images, and one to write to.
"""

import sys
from pathlib import Path

from datasets import ClassLabel, Dataset, Features, Image, Value, load_dataset
from datasets.table import embed_table_storage

CLASSES = ["light", "dark"]


def main(images: Path, where: Path) -> None:
    """Write the same images as Parquet, as a stream of Arrow's, and by `imagefolder`."""
    paths = sorted(images.rglob("*.png"))
    features = Features(
        {
            "image": Image(),
            "label": ClassLabel(names=CLASSES),
            "split": Value("string"),
            "id": Value("string"),
        }
    )
    rows = {
        # Its own bytes, not a path: only those are kept in the file.
        "image": [{"bytes": path.read_bytes(), "path": path.name} for path in paths],
        "label": [CLASSES.index(path.parent.name) for path in paths],
        "split": [path.parents[1].name for path in paths],
        "id": [str(path.relative_to(images)) for path in paths],
    }
    dataset = Dataset.from_dict(rows, features=features)
    dataset.to_parquet(where / "all.parquet", batch_size=20)
    dataset.save_to_disk(where / "saved", num_shards=2)
    folder = load_dataset("imagefolder", data_dir=str(images), cache_dir=str(where / "cache"))
    for split, part in folder.items():
        # As a push to the Hub does: the bytes into the file, and its own names of files.
        part = part.with_format("arrow").map(embed_table_storage, batched=True, batch_size=20)
        part.to_parquet(where / f"hub/data/{split}-00000-of-00001.parquet")


main(Path(sys.argv[1]), Path(sys.argv[2]))
