"""Where a command's gauges go: a file for a collector, a Pushgateway, or nowhere."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.cli import local_path, log
from pipelines.drafts import write_whole
from pipelines.errors import UsageError
from pipelines.metrics.gauges import Gauge, registry_of, text_of
from pipelines.outputs import require_outside
from pipelines.redaction import redacted

TIMEOUT_SECONDS = 10.0
"""How long a Pushgateway may take to answer."""

LONGEST_FILE = 16 << 20
"""Bytes of a metrics file; a collector would take no such file."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where gauges go.

    Attributes:
        command: "extract", "verify", "drift"; a label of every gauge's group.
        table: the table that the gauges are of, likewise.
        file: a text file that a collector reads; None for none.
        gateway: URL of a Pushgateway; None for none.
    """

    command: str
    table: str
    file: Path | None = None
    gateway: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return self.file is not None or self.gateway is not None

    def publish(self, gauges: Sequence[Gauge]) -> None:
        """Tell gauges; those told before under other names stay.

        Nothing fails by it: what does not get through is a line on stderr, and no more.
        """
        gauges = [replace(each, labels={"table": self.table, **each.labels}) for each in gauges]
        if self.file is not None:
            try:
                write_whole(self.file, text_of(gauges, read_metrics(self.file)))
            except (OSError, UsageError) as error:
                log(f"no metrics in {self.file}: {error}")
        if self.gateway is not None:
            try:
                _push(self.gateway, self.command, self.table, gauges)
            except (OSError, ValueError) as error:  # a gateway that talks no HTTP, too
                log(f"no metrics to {self.gateway}: {error}")


NOWHERE = Outlet("", "")


def add_metrics_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that say where its gauges go."""
    group = parser.add_argument_group("monitoring (Prometheus)")
    group.add_argument(
        "--metrics_file",
        type=local_path,
        metavar="FILE",
        help="write metrics there, for node_exporter's textfile collector; ends in .prom",
    )
    group.add_argument(
        "--push_metrics",
        type=_gateway,
        metavar="URL",
        help="push metrics to the Pushgateway there",
    )


def outlet_of(options: argparse.Namespace, command: str, table: str) -> Outlet:
    """Where the options of `add_metrics_options` say that gauges go.

    Raises:
        UsageError: the file holds something else, or cannot be written.
        ModuleNotFoundError: Prometheus's client is not installed, which is said before any work.
    """
    outlet = Outlet(command, redacted(table), options.metrics_file, options.push_metrics)
    if outlet.wanted:
        text_of([])
    if outlet.file is not None:
        if outlet.file.suffix != ".prom":
            raise UsageError(
                f"--metrics_file {outlet.file}: collectors read files that end in .prom"
            )
        require_outside(outlet.file, "--metrics_file")
        if not outlet.file.parent.is_dir():
            raise UsageError(f"--metrics_file {outlet.file}: there is no folder of that name")
        read_metrics(outlet.file)
    return outlet


def read_metrics(file: Path) -> str:
    """The text of a metrics file; "" where there is none.

    Raises:
        UsageError: it holds something other than gauges of ours.
    """
    if not file.exists():
        return ""
    what = f"--metrics_file {file} holds something other than metrics of these commands"
    if not file.is_file() or file.stat().st_size > LONGEST_FILE:
        raise UsageError(f"{what}; name another")
    try:
        text = file.read_text(encoding="utf-8")
        text_of([], text)
    except (ValueError, KeyError, IndexError) as error:  # the client's parser raises what it meets
        raise UsageError(f"{what}; name another") from error
    return text


def _push(gateway: str, command: str, table: str, gauges: Sequence[Gauge]) -> None:
    from prometheus_client import pushadd_to_gateway

    pushadd_to_gateway(
        gateway,
        job=f"frozen_features_{command}",
        registry=registry_of(gauges),
        grouping_key={"table": table},
        timeout=TIMEOUT_SECONDS,
    )


def _gateway(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(
            f"{redacted(text)!r} is no address of a Pushgateway, such as http://pushgateway:9091"
        )
    if parts.username is not None:
        raise argparse.ArgumentTypeError("a Pushgateway's address has no name and password in it")
    return text
