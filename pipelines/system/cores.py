"""How many processor cores this process may use."""

import math
import os

from pipelines.system.cgroups import settings


def usable_cores() -> int:
    """Cores this process may use: its affinity, and a container's limit rounded up.

    In a container `os.cpu_count()` gives the machine's cores, and as many threads as that would
    only wait for each other.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min([allowed or 1, *_quotas()]))


def _quotas() -> list[int]:
    # A quota is time in each period: "max" or -1 where there is none.
    found = settings("cpu", "cpu.max", ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
    return [
        math.ceil(int(words[0]) / int(words[1]))
        for words in found
        if len(words) == 2 and words[0].isdecimal() and words[1].isdecimal()
    ]
