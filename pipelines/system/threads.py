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
    weight: Callable[[_In], int] = lambda _: 0,
    most: int = 0,
) -> Iterator[_Out]:
    """Apply a function on threads, some items before the consumer, results in order.

    Args:
        function: what is done.
        items: what it is done to.
        threads: that do it.
        ahead: items before the consumer, at most.
        name: begins the threads' names.
        weight: of an item.
        most: what the items before the consumer weigh, at most; one that weighs more goes alone.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        waiting: deque[tuple[Future[_Out], int]] = deque()
        weights = 0
        try:
            for item in items:
                weights += weight(item)
                while waiting and weights > most:
                    weights -= waiting[0][1]
                    yield waiting.popleft()[0].result()
                waiting.append((pool.submit(function, item), weight(item)))
                if len(waiting) > ahead:
                    weights -= waiting[0][1]
                    yield waiting.popleft()[0].result()
            while waiting:
                yield waiting.popleft()[0].result()
        finally:
            for future, _ in waiting:
                future.cancel()
