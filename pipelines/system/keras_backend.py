"""Importing Keras without the noise of its backend, and settings that differ by backend."""

import atexit
import json
import logging
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from pipelines.own_process import kept_for_good
from pipelines.unneeded import unneeded_left_out

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
    # A backend would take all of a card's memory and leave none to the next process on it.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    _give_keras_a_home()
    with _lock, tempfile.TemporaryFile() as chatter:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(chatter.fileno(), 2)
        imported = False
        try:
            with kept_for_good(), unneeded_left_out():
                import keras

            imported = True
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            if not imported:
                chatter.seek(0)
                sys.stderr.write(chatter.read().decode(errors="replace"))
    # It warns of retracing, which each step of a training takes: it is a model of its own.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return keras


def _give_keras_a_home() -> None:
    """Keras would make a folder `~` where it stands, for a user without a home."""
    if "KERAS_HOME" in os.environ or Path(os.path.expanduser("~")).is_absolute():  # noqa: PTH111
        return
    folder = tempfile.mkdtemp(prefix="frozen-features-keras-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["KERAS_HOME"] = folder


def keras_home() -> Path:
    """Where Keras keeps its settings and its downloads."""
    named = os.environ.get("KERAS_HOME")
    if named is not None:
        return Path(os.path.expanduser(named))  # noqa: PTH111 - as Keras, also without a home
    home = Path(os.path.expanduser("~"))  # noqa: PTH111
    # Where Keras itself goes from a home that cannot be written.
    return (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras"


def keras_backend() -> str:
    """The backend that Keras takes, told without importing it: `KERAS_BACKEND`, or its settings."""
    named = os.environ.get("KERAS_BACKEND")
    if named:
        return named
    try:
        settings = json.loads((keras_home() / "keras.json").read_text(encoding="utf-8"))
        return str(settings["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def limit_threads(threads: int) -> None:
    """Let TensorFlow compute on that many cores, if it is not imported yet.

    Workers that are processes of one machine share its cores; each would otherwise use all.
    """
    if "tensorflow" not in sys.modules:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)


def set_matrix_precision(compute_dtype: str) -> None:
    """Let a GPU round float32 factors to TensorFloat-32, or not; a process has one such setting.

    Args:
        compute_dtype: rounding is on for "tfloat32", off for anything else.
    """
    rounded = compute_dtype == "tfloat32"
    backend = load_keras().backend.backend()
    if backend == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_tensor_float_32_execution(rounded)
    elif backend == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if rounded else "highest")
    elif backend == "torch":
        import torch

        torch.backends.cuda.matmul.allow_tf32 = rounded
        torch.backends.cudnn.allow_tf32 = rounded


def sees_gpu() -> bool:
    """Whether Keras's backend could compute on a GPU; one built for CPUs sees none."""
    backend = load_keras().backend.backend()
    if backend == "tensorflow":
        import tensorflow

        return bool(tensorflow.config.list_physical_devices("GPU"))
    if backend == "jax":
        import jax

        return bool(jax.default_backend() == "gpu")
    if backend == "torch":
        import torch

        return bool(torch.cuda.is_available())
    return False
