"""What a command must not name where no disk outlasts it: places on the pod's own."""

import os
import re
from collections.abc import Mapping

from pipelines.errors import UsageError

VARIABLE = "FROZEN_FEATURES_PLACES"
"""Set to `buckets` by `k8s/object-store`, with which no claim is mounted."""

BUCKETS = "buckets"
OPTIONS = (
    *("input", "from_images", "table", "also_table"),
    *("model", "compare", "to", "output"),
)
"""Options that name images, tables, models, and what is made of them."""


def refuse_lost_places(options: Mapping[str, object]) -> None:
    """Refuse places on this machine's disks where everything lies in buckets.

    What is written there would be gone with the pod, after hours of work, and what is read there is
    not there.

    Args:
        options: values by the options' names.

    Raises:
        UsageError: names the option and its place, or the variable, if it says something unknown.
    """
    places = os.environ.get(VARIABLE, "")
    if not places:
        return
    if places != BUCKETS:
        raise UsageError(f"{VARIABLE} is {places!r}; it is {BUCKETS}, or not set")
    for name in OPTIONS:
        value = options.get(name)
        for place in value if isinstance(value, list | tuple) else [value]:
            if place is not None and not re.match(r"[a-z][a-z0-9]*:/", str(place)):
                raise UsageError(
                    f"--{name} {place} is on this pod's own disk, where nothing lasts and no claim "
                    f"is mounted ({VARIABLE}={BUCKETS}); name a place in a bucket, s3://... or "
                    "gs://..."
                )
