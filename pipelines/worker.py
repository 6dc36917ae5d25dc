"""A worker process of Beam's embedded runner, without the lines Beam's own would log.

`--direct_running_mode=multi_processing` starts it as `python -m pipelines.worker`.
"""

import logging
import sys

from pipelines.shards.runner import load_beam


def main() -> None:
    """Serve the runner that started this process until it is done."""
    load_beam()
    from apache_beam.runners.worker import sdk_worker_main

    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
