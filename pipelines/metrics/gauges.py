"""Values for a monitor, and their text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.redaction import redacted

PREFIX = "frozen_features_"


@dataclass(frozen=True, slots=True)
class Gauge:
    """One value of a job that ends: what it was when it was told.

    Attributes:
        name: without `PREFIX`; ends in its unit, seconds, bytes or timestamp_seconds.
        value: the value; NaN where there is none, so that an earlier one does not stay.
        help: what it is, one line.
        labels: text by name; URLs are told without what is secret in them.
    """

    name: str
    value: float
    help: str
    labels: Mapping[str, str] = field(default_factory=dict)


def text_of(gauges: Iterable[Gauge], earlier: str = "") -> bytes:
    """Gauges in the text format of Prometheus, written by its own client.

    Args:
        gauges: those of a name and the same labels: the last one counts.
        earlier: such a text; what it has, and `gauges` have not with the same labels, stays.

    Raises:
        ValueError: `earlier` is no such text, or has other metrics than gauges.
        ModuleNotFoundError: prometheus_client is not installed.
    """
    from prometheus_client import generate_latest

    text: bytes = generate_latest(registry_of([*_gauges_in(earlier), *gauges]))
    return text


def registry_of(gauges: Iterable[Gauge]) -> Any:  # noqa: ANN401 - the client is an extra
    """Gauges as a registry of the client's own, with nothing of this process in it.

    Raises:
        ModuleNotFoundError: prometheus_client is not installed.
    """
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(gauges))
    return registry


class _Collector:
    """What the client asks for metrics."""

    def __init__(self, gauges: Iterable[Gauge]) -> None:
        self._gauges = list(gauges)

    def collect(self) -> Iterable[Any]:
        from prometheus_client.core import GaugeMetricFamily

        kept: dict[str, dict[tuple[tuple[str, str], ...], Gauge]] = {}
        for gauge in self._gauges:
            labels = {name: redacted(text) for name, text in gauge.labels.items()}
            kept.setdefault(gauge.name, {})[tuple(sorted(labels.items()))] = gauge
        for name in sorted(kept):
            samples = kept[name]
            help_text = next(reversed(samples.values())).help
            family = GaugeMetricFamily(f"{PREFIX}{name}", help_text)
            for key, gauge in samples.items():
                family.add_sample(f"{PREFIX}{name}", dict(key), gauge.value)
            yield family


def _gauges_in(text: str) -> Iterable[Gauge]:
    from prometheus_client.parser import text_string_to_metric_families

    for family in text_string_to_metric_families(text):
        if family.type != "gauge" or not family.name.startswith(PREFIX):
            raise ValueError(f"{family.name} is none of ours")
        for sample in family.samples:
            name = sample.name.removeprefix(PREFIX)
            yield Gauge(name, sample.value, family.documentation, sample.labels)
