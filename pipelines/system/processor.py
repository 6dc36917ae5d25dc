"""Which processor this is, and which instructions it has, as Linux tells."""

import contextlib
import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")

_VECTORS = ("amx", "avx", "asimd", "bf16", "fma", "i8mm", "sve")
"""How flags begin that engines choose their code by."""


def processor_named() -> str:
    """The processor's name and model: clouds give processors of several kinds one name."""
    facts = _facts()
    name = facts.get("model name") or platform.processor() or platform.machine()
    number = [facts[key] for key in ("cpu family", "model", "CPU part") if key in facts]
    return f"{name} (model {' '.join(number)})" if number else name


def vector_instructions() -> list[str]:
    """The instructions that engines choose their code by; clouds hide some of a processor's."""
    return sorted(flag for flag in processor_flags() if flag.startswith(_VECTORS))


def processor_flags() -> frozenset[str]:
    """Instructions that the processor has, as Linux calls them; empty where it is not told."""
    facts = _facts()
    return frozenset((facts.get("flags") or facts.get("Features") or "").split())


def _facts() -> dict[str, str]:
    with contextlib.suppress(OSError):
        first = CPUINFO.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
        pairs = (line.partition(":") for line in first.splitlines())
        return {name.strip(): value.strip() for name, _, value in pairs}
    return {}
