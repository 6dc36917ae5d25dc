"""Which graphics cards there are, and one of them a worker process, whatever starts it."""

import fcntl
import os
import re
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

DEVICES = Path("/dev")

_held: list[int] = []
_lock = threading.Lock()


def visible_gpus() -> tuple[str, ...]:
    """NVIDIA cards that a process started here would see, found without loading any library.

    Returns:
        What `CUDA_VISIBLE_DEVICES` names, or the numbers of the device files; empty without a card.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    cards = sorted(
        (
            path.name[6:]
            for path in DEVICES.glob("nvidia*")
            if re.fullmatch(r"nvidia\d+", path.name)
        ),
        key=int,
    )
    if named is None or not cards:
        return tuple(cards)
    # CUDA itself stops at the first name that is none, which is how -1 hides all cards.
    chosen = []
    for name in (part.strip() for part in named.split(",")):
        if not name or name.startswith("-"):
            break
        chosen.append(name)
    return tuple(chosen)


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
