"""Clients of stores, each opened once a process, all configured from `StoreSettings`."""

import functools
from datetime import timedelta
from typing import Any

import pyarrow.fs as pafs

from pipelines.stores.places import Place
from pipelines.stores.settings import (
    ARROW_TRIES,
    CONNECT_SECONDS,
    DOOR_SECONDS,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    REQUEST_SECONDS,
    RETRIES,
    RETRY_SECONDS,
    StoreSettings,
)


def open_bucket(place: Place) -> Any:  # noqa: ANN401 - mypy does not follow obstore
    """An obstore client of the place's bucket, safe for many threads.

    Raises:
        UsageError: the environment contradicts itself.
        Exception: obstore's own, for an environment that it cannot use.
    """
    settings = StoreSettings.of(place.scheme)
    return _bucket(place.scheme, place.bucket, settings, REQUEST_SECONDS, RETRY_SECONDS)


def open_at_the_door(place: Place) -> Any:  # noqa: ANN401
    """The same with little patience, to find out whether a store answers at all."""
    settings = StoreSettings.of(place.scheme)
    return _bucket(place.scheme, place.bucket, settings, DOOR_SECONDS, DOOR_SECONDS)


@functools.cache
def _bucket(
    scheme: str, bucket: str, settings: StoreSettings, request_seconds: int, retry_seconds: int
) -> Any:  # noqa: ANN401
    from obstore.store import GCSStore, S3Store

    retries = {
        "max_retries": RETRIES,
        "retry_timeout": timedelta(seconds=retry_seconds),
        "backoff": {
            "init_backoff": timedelta(seconds=FIRST_PAUSE),
            "max_backoff": timedelta(seconds=LONGEST_PAUSE),
        },
    }
    client = {
        "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
        "timeout": timedelta(seconds=request_seconds),
        "allow_http": settings.open_http,
    }
    options: dict[str, Any] = {"retry_config": retries, "client_options": client}
    if settings.anonymous:
        options["skip_signature"] = True
    if scheme == "gs":
        if settings.endpoint is not None:
            options["service_account_key"] = settings.emulator_key
        return GCSStore(bucket, **options)
    if settings.endpoint is not None:
        options["endpoint"] = settings.endpoint
    if settings.region is not None:
        options["region"] = settings.region
    return S3Store(bucket, **options)


def delta_options(place: Place) -> dict[str, str]:
    """Storage options that delta-rs wants for tables at a place, besides what it finds itself."""
    settings = StoreSettings.of(place.scheme)
    options = {
        "max_retries": str(RETRIES),
        "retry_timeout": f"{RETRY_SECONDS}s",
        "backoff_config.init_backoff": f"{FIRST_PAUSE}s",
        "backoff_config.max_backoff": f"{LONGEST_PAUSE}s",
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "timeout": f"{REQUEST_SECONDS}s",
        "allow_http": str(settings.open_http).lower(),
    }
    if settings.anonymous:
        options["skip_signature"] = "true"
    if place.scheme == "gs":
        if settings.endpoint is not None:
            options["google_service_account_key"] = settings.emulator_key
        return options
    if settings.endpoint is not None:
        options["aws_endpoint"] = settings.endpoint
    if settings.region is not None:
        options["aws_region"] = settings.region
    return options


def open_filesystem(place: Place) -> pafs.FileSystem:
    """Arrow's own filesystem whose root is a place; no thread of Arrow's calls back into Python.

    Raises:
        UsageError: the environment contradicts itself.
    """
    whole = _filesystem(place.scheme, StoreSettings.of(place.scheme))
    return pafs.SubTreeFileSystem(f"{place.bucket}/{place.key}".rstrip("/"), whole)


@functools.cache
def _filesystem(scheme: str, settings: StoreSettings) -> pafs.FileSystem:
    options: dict[str, Any] = {"anonymous": settings.anonymous}
    if settings.endpoint is not None:
        options["scheme"], _, options["endpoint_override"] = settings.endpoint.partition("://")
    if scheme == "gs":
        return pafs.GcsFileSystem(retry_time_limit=timedelta(seconds=RETRY_SECONDS), **options)
    if settings.region is not None:
        options["region"] = settings.region
    if settings.certificates is not None:  # else it would be what was set when Arrow was imported
        options["tls_ca_file_path"] = settings.certificates
    return pafs.S3FileSystem(
        connect_timeout=CONNECT_SECONDS,
        request_timeout=REQUEST_SECONDS,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=ARROW_TRIES),
        # A file that fits one part is put in one request: it is there whole or not at all.
        allow_delayed_open=True,
        **options,
    )
