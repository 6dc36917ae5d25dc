"""What a store complained of, in a few words, whichever client passed it on."""

import os
import re

from pipelines.redaction import redacted
from pipelines.stores.places import Place
from pipelines.stores.settings import CERTIFICATES

_CODE = re.compile(r"<Code>([^<]+)</Code>|\"reason\":\s*\"([^\"]+)\"")
_MESSAGE = re.compile(r"<Message>([^<]+)</Message>|\"message\":\s*\"([^\"]+)\"")
_STATUS = re.compile(r"\b([45]\d\d) ([A-Z][A-Za-z]+(?: [A-Z][A-Za-z]+)*)")
NO_ANSWER = "no answer from the store; is its address right, and is it up?"
UNTRUSTED = "its certificate is not trusted"
_BAD_CERTIFICATE = re.compile(
    r"InvalidCertificate\(\s*(\w+)|invalid peer certificate\W+(\w+)|curlCode: 60, ([^;]+)"
)
"""What obstore, delta-rs and Arrow say of a certificate, and what is wrong with it."""

_SILENCES = ("error sending request", "Connection refused", "tcp connect error", "timed out")
_REQUESTS = (*_SILENCES, "Error performing")
"""How obstore and delta-rs begin to tell of a request that failed."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
}
_REFUSALS = (
    "AccessDenied",
    "Forbidden",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "Unauthorized",
    "ExpiredToken",
    "InvalidToken",
)

_FOR_ALL = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"}
)
_AWAY = frozenset(
    {"InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown", "backendError"}
)
"""Codes by which a store says that it cannot answer just now; so do statuses from 500 on."""


def complaint(error: BaseException, place: Place) -> str:
    """What went wrong at a place, one line of plain words without the clients' wrappings."""
    text = redacted(_COLOUR.sub("", str(error)))
    said = _said(text)
    if not said:
        said = " ".join(text.partition("Debug source")[0].split()) or type(error).__name__
    if any(refusal in said for refusal in _REFUSALS):
        return f"{said.rstrip('.')}; check {_CREDENTIALS[place.scheme]}"
    return said.rstrip(".")


def refuses_or_is_away(text: str) -> bool:
    """Whether a client's own words say that a store gives no answer now, or not to this user."""
    plain = _COLOUR.sub("", text)
    # Numbers in other errors, of damaged files for one, may look like a store's status.
    if not any(sign in plain for sign in _REQUESTS):
        return False
    said = _said(plain)
    return is_away(said) or any(refusal in said for refusal in _REFUSALS)


def blames_the_store(said: str) -> bool:
    """Whether a complaint would be the same of any other object: no answer, or no credentials."""
    return is_away(said) or said.partition(":")[0] in _FOR_ALL


def is_away(said: str) -> bool:
    """Whether a complaint says that the store gives no answer now, but may later."""
    silent = said == NO_ANSWER or said.startswith(UNTRUSTED)
    return silent or said[:1] == "5" or said.partition(":")[0] in _AWAY


def _said(text: str) -> str:
    """What a store said through a client, as far as that can be told: "" if it cannot."""
    if (why := _found(_BAD_CERTIFICATE, text)) is not None:
        return f"{UNTRUSTED} ({why}); {_certificate_advice()}"
    code, message = _found(_CODE, text), _found(_MESSAGE, text)
    status = _STATUS.search(text)
    said = ": ".join(filter(None, [code or (status and " ".join(status.groups())), message]))
    return NO_ANSWER if not said and any(sign in text for sign in _SILENCES) else said


def _certificate_advice() -> str:
    given = os.environ.get(CERTIFICATES)
    if given:
        return f"is its authority's in {given}, which {CERTIFICATES} names?"
    ignored = " (AWS_CA_BUNDLE is not read)" if os.environ.get("AWS_CA_BUNDLE") else ""
    return f"name a file with its authority's in {CERTIFICATES}{ignored}"


def _found(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return None if match is None else next(group for group in match.groups() if group is not None)
