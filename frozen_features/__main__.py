"""`python -m frozen_features`: the same as the command `frozen-features`."""

import sys

from frozen_features.command import main

if __name__ == "__main__":
    sys.exit(main())
