"""What an engine is asked for: features of a contract, and by which engine."""

from dataclasses import dataclass, field, replace

from pipelines.bases import WeightsRequest
from pipelines.contract import Contract


@dataclass(frozen=True, slots=True)
class Computation:
    """What is to be computed, before it is known by which engine.

    Attributes:
        contract: what the features must be; holds the weights' fingerprint.
        weights: where to look for the weights.
        batch_size: images a call.
        threads: cores an engine may use; all that the worker finds when None.
        base_file: path or URI of the quantised base; None where there is none, or none is known.
            Wherever it comes from, it is the same one.
    """

    contract: Contract
    weights: WeightsRequest
    batch_size: int
    threads: int | None
    base_file: str | None = field(default=None, kw_only=True, compare=False)

    def by(self, engine: str) -> "EngineRequest":
        """The same, to be computed by the engine of that name."""
        return EngineRequest(
            *(self.contract, self.weights, self.batch_size, self.threads, engine),
            base_file=self.base_file,
        )

    def in_float32(self) -> "Computation":
        """The same features, computed in float32."""
        return replace(self, contract=replace(self.contract, compute_dtype="float32"))


@dataclass(frozen=True, slots=True)
class EngineRequest(Computation):
    """All a worker needs to open the engine that the driver chose.

    Attributes:
        name: the engine.
    """

    name: str
