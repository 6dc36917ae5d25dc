"""Many searches for a minimum, each on a thread of its own, that share every pass over the rows."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Stopped(Exception):  # noqa: N818 - no error of its own: what happened is raised elsewhere
    """The passes have ended, and with them every search."""


class Lockstep(Generic[Asked, Answer]):
    """Answers what all searches that still go on ask for, all at once."""

    def __init__(self, answer: Callable[[Sequence[Asked]], Sequence[Answer]]) -> None:
        """Answer by one pass: it takes what is asked, and gives the answers in that order."""
        self._answer = answer
        self._changed = threading.Condition()
        self._asked: dict[int, Asked] = {}
        self._answers: dict[int, Answer] = {}
        self._ended = False

    def run(self, searches: Sequence[Callable[[Callable[[Asked], Answer]], None]]) -> None:
        """Run searches to their ends; each is given the function by which it asks.

        The passes are made here, on the thread that calls, so that it is the one that Ctrl-C and
        errors of the reading end.

        Raises:
            BaseException: what the pass or a search raised.
        """
        failed: list[BaseException] = []
        going = set(range(len(searches)))

        def search(number: int) -> None:
            try:
                searches[number](lambda asked: self._ask(number, asked))
            except Stopped:
                pass
            except BaseException as error:
                failed.append(error)
            with self._changed:
                going.discard(number)
                self._changed.notify_all()

        threads = [
            threading.Thread(target=search, args=(number,), daemon=True)
            for number in range(len(searches))
        ]
        for thread in threads:
            thread.start()
        try:
            while True:
                with self._changed:
                    # With a time limit, since a wait without one holds Ctrl-C back on some systems.
                    while going != set(self._asked) and not failed:
                        self._changed.wait(1.0)
                    asked = dict(self._asked)
                if failed or not asked:
                    break
                answers = self._answer(list(asked.values()))
                with self._changed:
                    self._answers = dict(zip(asked, answers, strict=True))
                    self._asked.clear()
                    self._changed.notify_all()
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            for thread in threads:
                thread.join()
        if failed:
            raise failed[0]

    def _ask(self, number: int, asked: Asked) -> Answer:
        with self._changed:
            self._asked[number] = asked
            self._changed.notify_all()
            while number not in self._answers:
                if self._ended:
                    raise Stopped
                self._changed.wait()
            return self._answers.pop(number)
