"""What Python need not do in a process of a command's own, where nobody else's code runs.

Keras and its backend are hundreds of thousands of objects, and all of them stay. To look through
them for garbage, while they are imported, afterwards and once more as the process ends, takes a
fifth of a short command's time (decision 40).
"""

import atexit
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

OWN_PROCESS = threading.Event()
"""Set where the process is a command's own."""


def begin_own_process() -> None:
    """Say first of all that this process is a command's own; it then ends without a last look."""
    if not OWN_PROCESS.is_set():
        OWN_PROCESS.set()
        atexit.register(gc.freeze)


@contextmanager
def kept_for_good() -> Iterator[None]:
    """Around an import: what there is at its end is not looked through again.

    It does nothing where the process is somebody else's, whose objects are not ours to keep.
    """
    if not OWN_PROCESS.is_set():
        yield
        return
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
