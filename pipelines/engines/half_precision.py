"""bfloat16 and float16 on CPUs: which engine computes in them, and whether they are worth it.

They gain time where the processor multiplies them faster than float32. Some have instructions for
them that are no faster, which only a race can tell.
"""

from pipelines.cli import log
from pipelines.contract import HALF, Contract
from pipelines.engines.kinds import AUTO, CONVERTING, KERAS, OPENVINO
from pipelines.engines.race_results import Choice, Trial, tell_spread
from pipelines.errors import UsageError
from pipelines.system.gpus import visible_gpus
from pipelines.system.keras_backend import sees_gpu
from pipelines.system.processor import processor_flags

INSTRUCTIONS = {
    "bfloat16": frozenset({"amx_bf16", "avx512_bf16", "bf16"}),
    "float16": frozenset({"amx_fp16", "avx512_fp16", "asimdhp"}),
}
"""What Linux calls the instructions that multiply in each, of x86 and of Arm."""


def has_instructions(dtype: str) -> bool:
    """Whether this processor multiplies in it; True where that is not told."""
    flags = processor_flags()
    return not flags or bool(flags & INSTRUCTIONS[dtype])


def half_engine(contract: Contract) -> str:
    """The engine of a half precision on this machine's CPU.

    Keras computes in any, on any processor, and slowly where there are no instructions for it.
    """
    kind = CONVERTING[OPENVINO]
    able = kind.installed and kind.takes(contract) and has_instructions(contract.compute_dtype)
    return OPENVINO if able else KERAS


def require_worthwhile(choice: Choice, wanted: str, contract: Contract, new: bool) -> None:
    """Refuse to begin a table in a half precision on a CPU where that is known to gain nothing.

    A table that has it already is gone on with, and so is an engine that was named; a line says
    what is known then.

    Args:
        choice: the engine of the run.
        wanted: what `--engine` says.
        contract: of the features.
        new: whether there is no table yet.

    Raises:
        UsageError: it would gain nothing.
    """
    if contract.compute_dtype not in HALF or (visible_gpus() and sees_gpu()):
        return
    loss = _loss(choice, contract.compute_dtype)
    if loss is None:
        return
    if new and wanted == AUTO:
        raise UsageError(
            f"--compute_dtype {contract.compute_dtype} gains nothing here: {loss}; leave it out, "
            f"or name --engine {half_engine(contract)} to have it all the same"
        )
    log(f"compute dtype {contract.compute_dtype} gains nothing here: {loss}")


def _loss(choice: Choice, dtype: str) -> str | None:
    if not has_instructions(dtype):
        return f"this processor has no instructions for it ({_listed(dtype)})"
    if not CONVERTING[OPENVINO].installed:
        return "OpenVINO, which would compute in it, is not installed (pip install '.[openvino]')"
    halves = [trial for trial in choice.trials if trial.compute_dtype == dtype]
    if not halves:
        return None  # there was no race
    plain = [trial for trial in choice.trials if trial.compute_dtype == "float32"]
    best = max(plain, key=_rate, default=None)
    half = max(halves, key=_rate)
    if half.refusal is not None:
        return f"{half.engine} does not take part, {half.refusal}"
    if best is None or _rate(half) > _rate(best):
        return None
    return (
        f"{half.engine} did {tell_spread(half.slowest, half.images_per_second)} images/s in it, "
        f"and {best.engine} {tell_spread(best.slowest, best.images_per_second)} in float32"
    )


def _rate(trial: Trial) -> float:
    return trial.images_per_second or 0.0


def _listed(dtype: str) -> str:
    *most, last = sorted(INSTRUCTIONS[dtype])
    return f"{', '.join(most)} or {last}"
