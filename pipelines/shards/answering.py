"""Whether somebody answers at an address that an option of Beam's names."""

import socket
from urllib.parse import urlsplit

from pipelines.errors import FrozenFeaturesError, UsageError

ANSWER_SECONDS = 10.0


class NoAnswerError(FrozenFeaturesError):
    """Nobody answers; nothing was submitted."""


def require_answer(option: str, address: str, who: str, port: int | None = None) -> None:
    """Connect to an address, in seconds, where Beam would try for minutes.

    Args:
        option: that names the address.
        address: host and port, with or without a scheme.
        who: should answer there, for the complaint.
        port: where the address names none; it must name one when None.

    Raises:
        UsageError: it is no such address.
        NoAnswerError: nobody answers.
    """
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        place = (parts.hostname or "", parts.port or port or 0)
    except ValueError as error:
        raise UsageError(f"{option} {address} is no host:port: {error}") from error
    if not all(place):
        raise UsageError(f"{option} {address} is no host:port")
    try:
        socket.create_connection(place, timeout=ANSWER_SECONDS).close()
    except OSError as error:
        said = error.strerror or error
        raise NoAnswerError(
            f"no {who} answers at {option} {address}: {said}; is it up, and is this its address?"
        ) from error
