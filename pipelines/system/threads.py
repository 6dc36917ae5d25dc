"""Work done ahead on threads, in order and within bounds."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def map_ahead(
    function: Callable[[_In], _Out],
    items: Iterable[_In],
    threads: int,
    ahead: int,
    name: str = "ahead",
) -> Iterator[_Out]:
    """Apply a function on threads, at most `ahead` items before the consumer, results in order."""
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        waiting: deque[Future[_Out]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
