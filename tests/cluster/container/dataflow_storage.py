"""Storage of Google's kind in a pod, with images in it: `python -m ... FOLDER IMAGES`.

It prints where it answers, and goes on until it is ended.
"""

import os
import signal
import sys
from pathlib import Path

import obstore

from pipelines.stores.clients import open_bucket
from pipelines.stores.places import parse_place
from tests.cluster.gcs_server import BUCKET, gcs_server


def main(folder: Path, images: Path) -> None:
    with gcs_server(folder) as address:
        os.environ["STORAGE_EMULATOR_HOST"] = address
        bucket = open_bucket(parse_place(f"gs://{BUCKET}"))
        for path in images.rglob("*.png"):
            obstore.put(bucket, f"images/{path.relative_to(images)}", path.read_bytes())
        print(f"http://{address}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
