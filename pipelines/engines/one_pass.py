"""Several layers of one base in one pass of it."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

from pipelines.bases import is_from_file
from pipelines.bases.cutting import IN_ONE_PASS
from pipelines.engines.kinds import KERAS, OPENVINO
from pipelines.engines.request import EngineRequest

ABLE = (KERAS, OPENVINO)
"""Engines that run a model whose layers are used twice; ncnn runs a chain with one end."""


def pass_of(request: EngineRequest) -> Hashable:
    """What requests have in common that one pass of a base can answer; of others their own.

    A base from a file is another one at each layer, by its fingerprint, and what is quantised is
    quantised for one.
    """
    contract = request.contract
    if request.name not in ABLE or is_from_file(contract) or contract.quantisation is not None:
        return request
    return replace(request, contract=replace(contract, layer="", pooling="", precision="float32"))


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
    return replace(requests[0], contract=several)
