"""Several layers of one base in one pass of it."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from pipelines.bases import is_from_file
from pipelines.bases.cutting import IN_ONE_PASS
from pipelines.bases.weights_request import BASE
from pipelines.contract import Contract
from pipelines.engines.parallel import Features
from pipelines.engines.request import EngineRequest
from pipelines.engines.trial import largest_error


def pass_of(request: EngineRequest) -> Hashable:
    """What requests have in common that one pass of a base can answer; of others their own.

    What is quantised is quantised for one layer. A base from a file has another fingerprint at
    each layer; that it is one base, the file says.
    """
    contract = request.contract
    if contract.quantisation is not None:
        return request
    contract = replace(contract, layer="", pooling="", precision="float32")
    if is_from_file(contract):
        if request.weights.kind != BASE:
            return request
        contract = replace(contract, weights="")
    return replace(request, contract=contract)


def in_one_pass(requests: Sequence[EngineRequest]) -> EngineRequest:
    """A request for the features of several, which follow each other in a row.

    Args:
        requests: of one pass, at least one.
    """
    if len(requests) == 1:
        return requests[0]
    contracts = [request.contract for request in requests]
    several = replace(
        contracts[0],
        layer=IN_ONE_PASS.join(each.layer for each in contracts),
        pooling=IN_ONE_PASS.join(each.pooling for each in contracts),
        precision="float32",
    )
    if is_from_file(several):
        several = replace(several, weights=IN_ONE_PASS.join(each.weights for each in contracts))
    return replace(requests[0], contract=several)


def each_alone(contract: Contract) -> list[Contract]:
    """The contracts that one pass answers, in the order of their features; of one layer itself."""
    layers, poolings = contract.layer.split(IN_ONE_PASS), contract.pooling.split(IN_ONE_PASS)
    weights = [contract.weights] * len(layers)
    if is_from_file(contract):
        weights = contract.weights.split(IN_ONE_PASS)
    return [
        replace(contract, layer=layer, pooling=pooling, weights=of_layer)
        for layer, pooling, of_layer in zip(layers, poolings, weights, strict=True)
    ]


def largest_error_of_any(features: Features, alone: Sequence[Features]) -> float:
    """Largest relative L2 error of any image in any layer, so that none hides behind a greater one.

    Args:
        features: float32 (n, length), those of the layers one after the other.
        alone: of each layer float32 (n, its length).

    Returns:
        The error; not finite where the features are not.
    """
    ends = np.cumsum([each.shape[1] for each in alone])[:-1]
    parts = np.split(features, ends, axis=1)
    return float(np.max([largest_error(*pair) for pair in zip(parts, alone, strict=True)]))
