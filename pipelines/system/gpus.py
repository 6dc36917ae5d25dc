"""One graphics card a worker process, whatever runner starts the processes."""

import fcntl
import os
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from pipelines.system.cores import visible_gpus

_held: list[int] = []
_lock = threading.Lock()


def pin_to_gpu() -> None:
    """Let this process see one card alone, one that no other worker of the machine has taken.

    Must come before Keras is imported; afterwards, and with fewer than two cards, nothing is done.
    The card is free again when the process ends, however it ends.
    """
    with _lock:
        cards = visible_gpus()
        if len(cards) < 2 or "keras" in sys.modules or _held:
            return
        card = claim(cards, Path(tempfile.gettempdir()))
        # More workers than cards: they share.
        os.environ["CUDA_VISIBLE_DEVICES"] = card or cards[os.getpid() % len(cards)]


def claim(cards: Sequence[str], folder: Path) -> str | None:
    """Take the first card that no other process holds; None when all are held.

    Args:
        cards: names of the cards.
        folder: where all workers of the machine keep their locks.
    """
    for card in cards:
        path = folder / f"frozen-features-{os.getuid()}-gpu-{card.replace('/', '_')}.lock"
        try:
            # The folder may be anyone's: no link is followed, nothing is written.
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        _held.append(lock)
        return card
    return None
