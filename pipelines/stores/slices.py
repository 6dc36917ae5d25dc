"""Reading bytes from the middle of a file or object."""

from pipelines.stores.files import file_slice, patiently
from pipelines.stores.objects import object_slice
from pipelines.stores.places import is_remote


def read_slice(location: str, start: int, count: int) -> bytes:
    """Read some bytes of a file or object; fewer where it ends before.

    Args:
        location: the file's path, or the object's URI.
        start: where they begin.
        count: how many.

    Raises:
        OSError: it is not there, or may not be read.
    """
    if is_remote(location):
        return object_slice(location, start, count)
    return patiently(lambda: file_slice(location, start, count))
