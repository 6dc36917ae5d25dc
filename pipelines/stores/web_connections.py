"""Connections to the web that lead to the very address that was checked, and end in time."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from functools import cache

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.util.connection import create_connection

from pipelines.stores.web_addresses import addresses_of

HOSTS = 64
"""Hosts to which connections are kept open."""

CONNECTIONS = 16
"""Connections of a process at the same time."""

_here = threading.local()


class Watch:
    """Ends what a thread does on the web when its time is over, wherever it waits.

    A time-out of a socket is for one piece: a server that sends a byte each second never meets it.
    """

    def __init__(self) -> None:
        """Begin with nothing to end."""
        self.expired = False
        self._lock = threading.Lock()
        self._watched: socket.socket | None = None

    def follow(self, connection: socket.socket) -> None:
        """Watch a connection from now on."""
        # One of its own: encryption takes the socket's place before it has answered.
        own = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self._forget()
            self._watched = own
            if self.expired:
                self._end()

    def expire(self) -> None:
        """Time is over."""
        with self._lock:
            self.expired = True
            self._end()

    def close(self) -> None:
        """Watch nothing any more."""
        with self._lock:
            self._forget()

    def _end(self) -> None:
        if self._watched is not None:
            with contextlib.suppress(OSError):
                self._watched.shutdown(socket.SHUT_RDWR)

    def _forget(self) -> None:
        if self._watched is not None:
            self._watched.close()
            self._watched = None


@contextlib.contextmanager
def ending_after(seconds: float) -> Iterator[Watch]:
    """Within it, what this thread does on the web ends after so many seconds."""
    watch = Watch()
    timer = threading.Timer(seconds, watch.expire)
    timer.daemon = True
    timer.start()
    _here.watch = watch
    try:
        yield watch
    finally:
        _here.watch = None
        timer.cancel()
        watch.close()


def _connected(connection: HTTPConnection) -> socket.socket:
    error: HTTPError | None = None
    for _, address, port in addresses_of(connection.host, connection.port or 0):
        try:
            # An address, and no name: nobody is asked again.
            found = create_connection((address, port), connection.timeout)
        except TimeoutError as late:
            error = ConnectTimeoutError(connection, f"{connection.host} did not answer: {late}")
        except OSError as refused:
            error = NewConnectionError(connection, f"{connection.host}: {refused}")
        else:
            _follow(found)
            return found
    raise error or NewConnectionError(connection, f"{connection.host} has no address")


def _follow(connection: socket.socket | None) -> None:
    watch = getattr(_here, "watch", None)
    if watch is not None and connection is not None:
        watch.follow(connection)


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def putrequest(self, *args: object, **options: object) -> None:
        _follow(self.sock)  # it may have been open
        super().putrequest(*args, **options)  # type: ignore[arg-type]


class _Encrypted(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def putrequest(self, *args: object, **options: object) -> None:
        _follow(self.sock)
        super().putrequest(*args, **options)  # type: ignore[arg-type]


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


@cache
def connections(private: bool) -> urllib3.PoolManager:
    """The connections of this process; those to private hosts are kept apart."""
    del private
    manager = urllib3.PoolManager(HOSTS, maxsize=CONNECTIONS, retries=False)
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}
    return manager
