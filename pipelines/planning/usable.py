"""Whether there is an image to extract at all, looked at before an engine is opened for it.

A dangling link, a folder named like an image or an object without the right to read it fails for a
reason that may pass, so every run tries it again. Such a run needs no base.
"""

import itertools
from collections.abc import Callable, Sequence

from pipelines.images.decode import PixelSpec
from pipelines.images.loading import load_images
from pipelines.records import Failure, ImageRef
from pipelines.system.cores import usable_cores

MOST = 10_000
"""Rows that are looked at; where more than these fail, that is work for many workers."""


def failures_of_all(
    refs: Sequence[ImageRef], doubtful: Callable[[ImageRef], bool], pixels: PixelSpec
) -> tuple[Failure, ...]:
    """Read and decode images until one can be used.

    Args:
        refs: the images and copies, ascending by id and copy.
        doubtful: tells, without reading it, an image that is likely to fail; these come last, so
            that among millions of images the first one settles it.
        pixels: how to decode.

    Returns:
        The failures of all of them if none can be used, as extracting them would give; else none,
        and likewise when `MOST` fail and there are more.
    """
    ordered = itertools.chain(
        (ref for ref in refs if not doubtful(ref)), (ref for ref in refs if doubtful(ref))
    )
    threads = usable_cores()
    failures = []
    for each in load_images(itertools.islice(ordered, MOST), pixels, threads, threads):
        if not isinstance(each, Failure):
            return ()
        failures.append(each)
    return tuple(failures) if len(failures) == len(refs) else ()
