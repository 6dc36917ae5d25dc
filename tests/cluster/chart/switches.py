"""What the values of the chart switch on, and where kustomize has the same."""

from dataclasses import dataclass

COMPONENTS = (
    *("eks", "gke", "aks", "openshift", "private-registry", "private-ca"),
    *("priority", "spot", "elastic"),
)
RUNNERS = ("cpu", "gpu", "local", "dataflow")
JOBS = ("train", "evaluate", "predict", "report", "console")


@dataclass(frozen=True, slots=True)
class Switch:
    """One thing that can be on or off.

    Attributes:
        name: of it.
        condition: what a template asks of the values to know whether it is on.
        base: what is deployed, a folder of `k8s`.
        components: folders of `k8s` that the site switches on.
        monitored: whether `k8s/monitoring` is named.
    """

    name: str
    condition: str
    base: str = "base"
    components: tuple[str, ...] = ()
    monitored: bool = False


SWITCHES = (
    Switch("object-store", ".Values.objectStore", components=("object-store",)),
    *(
        Switch(name, f'has "{name}" .Values.components', components=(f"components/{name}",))
        for name in COMPONENTS
    ),
    *(Switch(name, f'eq .Values.runner "{name}"', base=f"overlays/{name}") for name in RUNNERS),
    Switch("monitoring", ".Values.monitoring.enabled", monitored=True),
)
"""In the order in which kustomize applies them: where two change the same, the later holds."""

CONDITIONS = {each.name: each.condition for each in SWITCHES}
