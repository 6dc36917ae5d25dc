"""The manifests as kustomize makes them of any choice among the switches."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.chart.switches import JOBS, SWITCHES
from tests.cluster.manifests import K8S, Document, render

Key = tuple[str, str]
"""Kind and name of an object."""

BASE = ""
"""The variant with everything off."""

KIND = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}


def everything(
    folder: Path,
    base: str = "base",
    components: Sequence[str] = (),
    *,
    monitored: bool = False,
    patches: Sequence[Mapping[str, Any]] = (),
) -> dict[Key, Document]:
    """All objects of one choice: of the cluster, the schedules and the jobs.

    Args:
        folder: an empty one, for a copy of the manifests.
        base: what is deployed, a folder of `k8s`; the site is added to `base` itself.
        components: folders of `k8s` that the site switches on.
        monitored: with `k8s/monitoring`, where docs/monitoring.md has it named.
        patches: kustomize's, on top of all.

    Returns:
        They, without the namespace, which a chart cannot make.
    """
    copy = folder / "k8s"
    shutil.copytree(K8S, copy, ignore=shutil.ignore_patterns("chart"))
    file = copy / "site" / "kustomization.yaml"
    own = yaml.safe_load(file.read_text())
    own["components"] = [f"../{each}" for each in components]
    file.write_text(yaml.safe_dump(own))
    if base == "base":
        _write(copy / "deployed", ["../base"], ["../site"])
        base = "deployed"
    if monitored:
        _add_component(copy / base, "monitoring")
        _add_component(copy / "schedules", "monitoring/push")
    places = [f"../{base}", "../schedules", *(f"../jobs/{name}" for name in JOBS)]
    _write(copy / "all", places, [], patches)
    documents = render(str(copy / "all"))
    found = {(d["kind"], d["metadata"]["name"]): d for d in documents if d["kind"] != "Namespace"}
    assert len(found) == len(documents) - 1
    return found


def single_switches(folder: Path) -> dict[str, dict[Key, Document]]:
    """All objects with everything off, and with each switch on by itself, by its name."""
    variants = {BASE: everything(folder / "base")}
    for each in SWITCHES:
        place = folder / each.name
        variants[each.name] = everything(
            place, each.base, each.components, monitored=each.monitored
        )
    return variants


def _add_component(folder: Path, name: str) -> None:
    file = folder / "kustomization.yaml"
    said = yaml.safe_load(file.read_text())
    (site,) = [each for each in said["components"] if each.endswith("/site")]
    said["components"].append(site.removesuffix("site") + name)
    file.write_text(yaml.safe_dump(said))


def _write(
    folder: Path,
    resources: Sequence[str],
    components: Sequence[str],
    patches: Sequence[Mapping[str, Any]] = (),
) -> None:
    folder.mkdir()
    said = {"resources": resources, "components": components, "patches": patches}
    content = {**KIND, **{name: list(each) for name, each in said.items()}}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))
