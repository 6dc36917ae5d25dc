"""Importing Keras without the noise that its backend makes on the way."""

import os
import sys
import tempfile
import threading
from typing import Any

_lock = threading.Lock()


def load_keras() -> Any:  # noqa: ANN401 - a module without types
    """Import Keras and its backend, keeping their start-up chatter off stderr.

    TensorFlow's C++ side writes to the file descriptor before its log level can be set. What it
    wrote is shown after all when the import fails.

    Raises:
        ImportError: Keras or its backend is not installed.
    """
    if "keras" in sys.modules:
        import keras

        return keras
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _lock, tempfile.TemporaryFile() as chatter:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(chatter.fileno(), 2)
        imported = False
        try:
            import keras

            imported = True
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            if not imported:
                chatter.seek(0)
                sys.stderr.write(chatter.read().decode(errors="replace"))
    return keras
