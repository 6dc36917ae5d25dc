"""Where this project keeps what is costly to get again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """$FROZEN_FEATURES_CACHE, else the user's cache folder."""
    named = os.environ.get("FROZEN_FEATURES_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "frozen-features"
