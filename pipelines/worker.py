"""A worker process of Beam's embedded runner, without the lines Beam's own would log.

`--direct_running_mode=multi_processing` starts it as `python -m pipelines.worker`.
"""

import sys

from pipelines.own_process import begin_own_process
from pipelines.shards.beam import serve_runner


def main() -> None:
    """Serve the runner that started this process until it is done."""
    begin_own_process()
    serve_runner(sys.argv)


if __name__ == "__main__":
    main()
