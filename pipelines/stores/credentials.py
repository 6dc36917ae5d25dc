"""By what credentials stores would be reached: the names of what was found, never a secret."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.errors import UsageError
from pipelines.stores.settings import CERTIFICATES, StoreSettings, shown_endpoint

OWN = {"s3": "Amazon's own", "gs": "Google's own"}
ROLES = {"s3": "the pod's or the machine's role", "gs": "the machine's account"}
"""What the clients ask for when no variable names credentials."""

VARIABLES = {
    "s3": (
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI",),
    ),
    "gs": (("GOOGLE_APPLICATION_CREDENTIALS",), ("GOOGLE_SERVICE_ACCOUNT",)),
}
"""Of each kind of store, the variables that name credentials; those that belong together."""

NOT_READ = {"s3": ("AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"), "gs": ()}
"""Set for other tools, and not read by all of the clients here."""

BUNDLE = "AWS_CA_BUNDLE"
"""Likewise; what it names is taken from `CERTIFICATES`."""


@dataclass(frozen=True, slots=True)
class StoreAccess:
    """How a kind of store would be reached.

    Attributes:
        scheme: "s3" or "gs".
        server: the server, without what its URL may say of a user; whose own it is if none is set.
        credentials: names of the variables that would be used, or what would be asked without any.
        problem: why it cannot be reached as things are, or what is set and not read; None if all
            is well.
    """

    scheme: str
    server: str
    credentials: str
    problem: str | None


def store_access(scheme: str, environment: Mapping[str, str] = os.environ) -> StoreAccess:
    """Say how stores of a scheme would be reached; nothing is asked of the network.

    Args:
        scheme: "s3" or "gs".
        environment: the variables; their values are not looked at, but for servers and switches.
    """
    try:
        settings = StoreSettings.of(scheme, environment)
    except UsageError as error:
        return StoreAccess(scheme, "-", "-", str(error))
    server = OWN[scheme] if settings.endpoint is None else shown_endpoint(settings.endpoint)
    if settings.anonymous:
        return StoreAccess(scheme, server, "none: requests are not signed", None)
    found = (
        [name for name in group if environment.get(name)]
        for group in VARIABLES[scheme]
        if environment.get(group[0])
    )
    names = next(found, None)
    ignored = [name for name in NOT_READ[scheme] if environment.get(name)]
    problem = None
    if names == ["AWS_ACCESS_KEY_ID"]:
        problem = "AWS_SECRET_ACCESS_KEY is not set"
    elif names is None and ignored:
        problem = f"{' and '.join(ignored)} set, but profiles are not read"
    elif scheme == "s3" and environment.get(BUNDLE) and not environment.get(CERTIFICATES):
        problem = f"{BUNDLE} set, but certificates are read from {CERTIFICATES}"
    return StoreAccess(scheme, server, ", ".join(names or [ROLES[scheme]]), problem)
