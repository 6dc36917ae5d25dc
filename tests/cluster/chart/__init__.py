"""Makes the templates of `k8s/chart` from what kustomize makes of the rest of `k8s`.

    python -m tests.cluster.chart

`variants` renders the manifests with each of `switches` on by itself; `merging` finds what it
changes in an object, and writes one template that has it behind a condition; `parameters` knows
what is taken from the values.
"""
