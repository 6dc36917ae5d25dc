"""Whether any of the images that an input names is there at all."""

import os
from collections.abc import Collection

from pipelines.errors import InputError
from pipelines.images.kinds import IMAGE_SUFFIXES
from pipelines.records import ImageRef
from pipelines.stores.web_addresses import is_web

SHOWN = 200
"""Characters of a place that a message shows."""


def require_some_there(refs: Collection[ImageRef], location: str) -> None:
    """Refuse an input of which no file is there: its root is wrong, or nothing is mounted.

    Told by the stat data of the listing; nothing is read, and nothing of the web is asked for.

    Args:
        refs: all images.
        location: the input's.

    Raises:
        InputError: it names one of the places that were looked at.
    """
    if any(ref.changed or ref.bytes or is_web(ref.uri) for ref in refs):
        return
    missing = next(iter(refs)).uri
    shown = missing if len(missing) <= SHOWN else f"{missing[:SHOWN]}…"
    advice = "--input_root names the folder that a manifest's paths are relative to"
    for suffix in sorted(IMAGE_SUFFIXES):
        if os.path.isfile(missing + suffix):  # noqa: PTH113 - Path raises for a long name
            advice = f"a path names the whole file, and here it ends in {suffix}"
    raise InputError(
        f"none of the {len(refs)} images that {location} names is there, {shown} for one; {advice}"
    )
