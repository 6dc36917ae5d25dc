"""How stores are reached, from the environment variables that their own tools read.

Three clients use them: obstore for images, delta-rs for the table's log, Arrow for its data files.
Credentials each finds by itself, in the same variables, so no secret passes through here.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pipelines.errors import UsageError

CERTIFICATES = "SSL_CERT_FILE"
"""The variable by which all clients, and Python's own, find authorities besides the system's."""

CONNECT_SECONDS = 5
REQUEST_SECONDS = 60
DOOR_SECONDS = 5
"""Of one try of the first request, by which a command finds out whether a store answers, and after
which no further try begins: a store that is silent is told of after twice this at most."""

FIRST_PAUSE = 0.2
"""Seconds before the second try; each further one is longer, up to `LONGEST_PAUSE`."""

RETRIES = 10
ARROW_TRIES = 5
"""Of Arrow's client, which pauses longer: about 10 seconds in all."""

RETRY_SECONDS = 30
"""A store that is away for longer than this fails a request."""

LONGEST_PAUSE = 3
"""Seconds between two tries, at most."""


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where a kind of store is and how to speak to it.

    Attributes:
        endpoint: URL of its server; None for the provider's own. Of Google's store it is an
            emulator's, which takes no credentials.
        region: of the bucket; None where the store has none or finds it out.
        anonymous: do not sign requests.
        certificates: file of the authorities that are trusted; None for the system's.
    """

    endpoint: str | None
    region: str | None
    anonymous: bool
    certificates: str | None = None

    @classmethod
    def of(cls, scheme: str, environment: Mapping[str, str] = os.environ) -> Self:
        """What the environment says of a scheme.

        Raises:
            UsageError: the endpoint is no URL, or an open one that was not allowed.
        """
        trusted = environment.get(CERTIFICATES) or None
        if scheme == "gs":
            emulator = _first(environment, "STORAGE_EMULATOR_HOST")
            if emulator is not None and "://" not in emulator:
                emulator = f"http://{emulator}"
            anonymous = _is_true(environment, "GOOGLE_SKIP_SIGNATURE")
            return cls(emulator, None, anonymous or emulator is not None, trusted)
        endpoint = _first(environment, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
        if endpoint is not None and not endpoint.startswith(("http://", "https://")):
            raise UsageError(
                f"AWS_ENDPOINT_URL {shown_endpoint(endpoint)!r} must begin with http:// or https://"
            )
        region = _first(environment, "AWS_REGION", "AWS_DEFAULT_REGION")
        settings = cls(endpoint, region, _is_true(environment, "AWS_SKIP_SIGNATURE"), trusted)
        if (
            endpoint is not None
            and settings.open_http
            and not _is_true(environment, "AWS_ALLOW_HTTP")
        ):
            raise UsageError(
                f"AWS_ENDPOINT_URL {shown_endpoint(endpoint)} is not encrypted; "
                "set AWS_ALLOW_HTTP=true if that is meant"
            )
        return settings

    @property
    def emulator_key(self) -> str:
        """A service account that sends Rust's clients to an emulator, without a token.

        Their plain option to sign nothing holds for reading only.
        """
        account = {"client_email": "", "private_key": "", "private_key_id": ""}
        return json.dumps({**account, "gcs_base_url": self.endpoint, "disable_oauth": True})

    @property
    def open_http(self) -> bool:
        """Whether requests go unencrypted."""
        return self.endpoint is not None and self.endpoint.startswith("http://")


def shown_endpoint(endpoint: str) -> str:
    """An endpoint without what may be secret in a URL: a user and password, and a query."""
    scheme, mark, rest = endpoint.rpartition("://")
    return scheme + mark + re.split("[?#]", rest, maxsplit=1)[0].rpartition("@")[2]


def _first(environment: Mapping[str, str], *names: str) -> str | None:
    return next((environment[name].rstrip("/") for name in names if environment.get(name)), None)


def _is_true(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "").lower() in {"true", "1", "yes", "on"}
