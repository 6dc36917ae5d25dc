"""Finding out, before work begins, whether what answers at a place is a store."""

import functools
import uuid

from pipelines.stores.clients import open_at_the_door
from pipelines.stores.complaints import complaint, is_away
from pipelines.stores.objects import StoreAwayError
from pipelines.stores.places import Place
from pipelines.stores.settings import StoreSettings, shown_endpoint

_NO_OBJECT = ("Unable to extract metadata", "Header missing", "header missing")
"""How obstore tells of an answer that says yes and describes no object."""


def require_store(place: Place) -> None:
    """Ask a place for an object that cannot be there, once a process and bucket.

    What else is wrong, with credentials for one, the work's own requests tell better.

    Raises:
        StoreAwayError: nothing answers within seconds, or something that is no store: the login
            page of a network gives the same answer to everything, and an empty listing too.
    """
    _ask(place.at(""), StoreSettings.of(place.scheme))


@functools.cache
def _ask(bucket: Place, settings: StoreSettings) -> None:
    import obstore

    try:
        obstore.head(open_at_the_door(bucket), f"frozen-features-{uuid.uuid4().hex}")
    except FileNotFoundError:
        return
    except Exception as error:  # obstore's errors and Python's own have no nearer common root
        said = complaint(error, bucket)
        if is_away(said):
            raise StoreAwayError(f"cannot reach {bucket.uri}: {said}") from error
        if not any(sign in str(error) for sign in _NO_OBJECT):
            return
    where = "" if settings.endpoint is None else f" at {shown_endpoint(settings.endpoint)}"
    raise StoreAwayError(
        f"cannot reach {bucket.uri}: what answers{where} is no store, it says yes to "
        "everything; is it the login page of a network or a proxy?"
    )
