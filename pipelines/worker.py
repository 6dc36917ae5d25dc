"""A worker process of Beam's embedded runner, without the lines Beam's own would log.

`--direct_running_mode=multi_processing` starts it as `python -m pipelines.worker`.
"""

import sys

from pipelines.shards.beam import serve_runner
from pipelines.unneeded import RUNS_COMMAND


def main() -> None:
    """Serve the runner that started this process until it is done."""
    RUNS_COMMAND.set()
    serve_runner(sys.argv)


if __name__ == "__main__":
    main()
