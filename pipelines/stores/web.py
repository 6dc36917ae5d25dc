"""Fetching an image from the web, within bounds of bytes and time."""

import email.utils
import errno
import http
import random
import ssl
import threading
import time
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from pipelines import __version__
from pipelines.redaction import redacted
from pipelines.stores.files import refuse_too_large
from pipelines.stores.silent_hosts import SilentHosts
from pipelines.stores.validators import Validator, conditions, validator_of
from pipelines.stores.web_addresses import (
    RefusedHostError,
    is_web,
    private_hosts_allowed,
    url_complaint,
)
from pipelines.stores.web_connections import CONNECTIONS, connections, ending_after


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited; seconds.

    Attributes:
        connect: for a connection.
        silence: for the next piece of an answer.
        attempt: for a whole answer.
        all: for an image, with all attempts and the pauses between them.
        attempts: how often it is asked for.
        pause: before the second attempt, about; doubled before each further one.
    """

    connect: float = 10.0
    silence: float = 15.0
    attempt: float = 60.0
    all: float = 120.0
    attempts: int = 4
    pause: float = 0.5


PATIENCE = Patience()
REDIRECTS = 5
BLOCK = 1 << 16
_HEADERS = {
    "User-Agent": f"frozen-features/{__version__}",
    # What the decoder reads: some servers give whatever the asker says that it knows.
    "Accept": "image/jpeg,image/png,image/webp,image/gif,image/bmp,image/tiff,*/*;q=0.5",
    "Accept-Encoding": "identity",
}
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410})

_places = threading.BoundedSemaphore(CONNECTIONS)


class _PassingError(Exception):
    """Another attempt may help; after `wait` seconds, if the server said so."""

    def __init__(self, said: str, wait: float = 0.0) -> None:
        super().__init__(said)
        self.wait = wait


_silent_hosts = SilentHosts()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server gave.

    Attributes:
        content: None if it is what it was.
        validator: of its state, for the next time; None if the server says nothing of use.
    """

    content: bytes | None
    validator: Validator | None


def read_url(url: str, most: int) -> bytes:
    """Fetch what is at a URL; as `ask_url`, without anything known of it."""
    content = ask_url(url, most, None).content
    assert content is not None
    return content


def ask_url(url: str, most: int, known: Validator | None) -> Answer:
    """Fetch what is at a URL, if it is another than before; what may pass is tried again.

    Args:
        url: without user, password or signature.
        most: bytes; of what has more, no more is taken.
        known: the state of what was fetched before; None if nothing was.

    Raises:
        TooLargeError: it has more.
        OSError: it is not there, is no image but a page, or was not given in time; or its host, or
            one that it is redirected to, may not be asked.
    """
    patience = PATIENCE
    ends = time.monotonic() + patience.all
    attempt = 1
    while True:
        try:
            with _places:
                return _fetched(url, most, known, min(patience.attempt, ends - time.monotonic()))
        except _PassingError as error:
            pause = patience.pause * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)
            pause = max(error.wait, pause)
            late = time.monotonic() + pause >= ends
            if attempt == patience.attempts or late:
                wait = f", and asks to wait {error.wait:.0f} seconds" if error.wait else ""
                raise OSError(errno.ETIMEDOUT, f"{error}{wait}") from error
            time.sleep(pause)
            attempt += 1


def _fetched(url: str, most: int, known: Validator | None, seconds: float) -> Answer:
    with ending_after(max(0.0, seconds)) as watch:
        for _ in range(REDIRECTS + 1):
            if (complaint := url_complaint(url, kept=False)) is not None:
                raise OSError(errno.EINVAL, f"it leads to {complaint}")
            host = urlsplit(url).hostname or ""
            _silent_hosts.refuse(host)
            late = OSError(errno.ETIMEDOUT, f"{host} did not give it within {seconds:.0f} seconds")
            try:
                answer = _asked(url, host, most, known)
            except _PassingError as error:
                if watch.expired:
                    raise late from error
                raise
            if watch.expired:  # what was given looks whole where its length is not known
                raise late
            _silent_hosts.heard(host)
            if isinstance(answer, Answer):
                return answer
            url = answer.place
    raise OSError(errno.ELOOP, f"it is redirected more than {REDIRECTS} times")


@dataclass(frozen=True, slots=True)
class _Redirect:
    place: str


def _asked(url: str, host: str, most: int, known: Validator | None) -> Answer | _Redirect:
    patience = PATIENCE
    unless = conditions(known, url)
    timeout = urllib3.Timeout(connect=patience.connect, read=patience.silence)
    try:
        response = connections(private_hosts_allowed()).request(
            "GET",
            url,
            headers={**_HEADERS, **unless},
            timeout=timeout,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            if unless and response.status == http.HTTPStatus.NOT_MODIFIED:
                return Answer(None, known)
            return _taken(response, url, host, most)
        finally:
            # What was not read to its end is not waited for.
            response.close()
    except RefusedHostError as error:
        raise OSError(errno.EACCES, str(error)) from error
    except HTTPError as error:
        if any(isinstance(each, ssl.SSLCertVerificationError) for each in error.args):
            raise OSError(errno.EIO, f"{host} cannot be trusted: {_said(error)}") from error
        _silent_hosts.silent(host)
        raise _PassingError(f"{host} did not give it: {_said(error)}") from error


def _taken(
    response: urllib3.BaseHTTPResponse, url: str, host: str, most: int
) -> Answer | _Redirect:
    status, headers = response.status, response.headers
    if status in _REDIRECTS and "Location" in headers:
        place = urljoin(url, headers["Location"])
        if not is_web(place):
            raise OSError(errno.EINVAL, f"{host} redirects to {redacted(place)!r}, no web address")
        return _Redirect(place)
    if status != http.HTTPStatus.OK:
        said = f"{host} answered {status} {response.reason or ''}".rstrip()
        if status in _PASSING:
            raise _PassingError(said, _retry_after(headers.get("Retry-After")))
        raise OSError(errno.ENOENT if status in _GONE else errno.EIO, said)
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise OSError(errno.EIO, f"{host} answered with packed content, which was not asked for")
    length = headers.get("Content-Length", "")
    if length.isdecimal():
        refuse_too_large(int(length), most)
    content = bytearray()
    while piece := response.read(BLOCK, decode_content=False):
        content += piece
        refuse_too_large(len(content), most)
    if _is_page(headers.get("Content-Type", ""), bytes(content[:512])):
        raise OSError(errno.EIO, f"{host} answered with a page of HTML, and no image")
    return Answer(bytes(content), validator_of(url, headers))


def _is_page(kind: str, begins: bytes) -> bool:
    begins = begins.lstrip().lower()
    if kind.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml"):
        return begins.startswith(b"<") or not begins
    return begins.startswith((b"<!doctype html", b"<html"))


def _retry_after(said: str | None) -> float:
    if said is None:
        return 0.0
    if said.strip().isdecimal():
        return float(said)
    try:
        when = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return 0.0
    return max(0.0, when.timestamp() - time.time())


def _said(error: HTTPError) -> str:
    cause = error.__cause__ or error.__context__
    text = str(cause if cause is not None and not isinstance(cause, HTTPError) else error)
    return " ".join(redacted(text).split()) or type(error).__name__
