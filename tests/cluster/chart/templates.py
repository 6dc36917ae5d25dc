"""All templates of the chart that are made, by the names of their files."""

from collections.abc import Mapping

from tests.cluster.chart.merging import Writer, any_of, none_of
from tests.cluster.chart.parameters import Parameters, guards, prepared
from tests.cluster.chart.variants import BASE, Key
from tests.cluster.manifests import K8S, Document

CHART = K8S / "chart"
FOLDER = CHART / "templates" / "made"
HEAD = "{{- /* Made by `make chart` from k8s. Change what is there, not this. */}}"
FLINK = "frozen-features/needed-by"
"""The label of what a runner without Flink does without."""


def templates(variants: Mapping[str, Mapping[Key, Document]]) -> dict[str, str]:
    """Texts of the templates, one for each object.

    Args:
        variants: all objects with everything off, and with each switch on by itself.
    """
    keys = dict.fromkeys(key for objects in variants.values() for key in objects)
    return {f"{kind}-{name}.yaml".lower(): _template((kind, name), variants) for kind, name in keys}


def _template(key: Key, variants: Mapping[str, Mapping[Key, Document]]) -> str:
    there = {s: prepared(each[key]) for s, each in variants.items() if key in each}
    base = there.pop(BASE, None)
    if base is not None:
        gone = [switch for switch in variants if switch not in there and switch != BASE]
        conditions = [none_of(gone)] if gone else []
    else:
        conditions = [any_of(list(there))]
        base = next(iter(there.values()))
        if FLINK in base["metadata"]["labels"]:
            conditions.append(none_of(_without_flink(variants)))
    changed = {switch: each for switch, each in there.items() if each != base}
    lines = Writer(Parameters(key)).mapping(base, changed)
    condition = " ".join(f"({each})" for each in [*guards(key, base), *conditions])
    return "\n".join([HEAD, f"{{{{- if and {condition} }}}}", *lines, "{{- end }}", ""])


def _without_flink(variants: Mapping[str, Mapping[Key, Document]]) -> list[str]:
    flink = ("FlinkDeployment", "flink")
    return [switch for switch, each in variants.items() if flink not in each]
