"""Writing objects: whole, only where none is yet, and taking them away again."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.stores.clients import open_bucket
from pipelines.stores.objects import complaints
from pipelines.stores.places import Place


def put_file(place: Place, path: Path) -> None:
    """Write a local file as an object, which is there whole or not at all; one there is replaced.

    Raises:
        StoreError: the store does not take it.
        OSError: the file cannot be read.
    """
    import obstore

    with complaints(place, "write"):
        obstore.put(open_bucket(place), place.key, path)


def create_object(place: Place, content: bytes) -> bool:
    """Write an object if none of its name is there yet; of several who try one succeeds.

    Returns:
        False where there is one.

    Raises:
        StoreError: the store does not take it.
    """
    import obstore
    from obstore.exceptions import AlreadyExistsError

    with complaints(place, "write"):
        try:
            obstore.put(open_bucket(place), place.key, content, mode="create")
        except AlreadyExistsError:
            return False
    return True


def delete_objects(places: Sequence[Place]) -> None:
    """Delete objects of one bucket; it is no error that one is not there.

    Raises:
        StoreError: the store does not delete them.
    """
    import obstore

    if places:
        with complaints(places[0], "delete"):
            obstore.delete(open_bucket(places[0]), [place.key for place in places])
