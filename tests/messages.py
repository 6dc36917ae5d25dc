"""A plugin of pytest that keeps every message which a test made a command or a function give.

`make messages` runs the quick tests with it; `tests.messages_page` makes the page of what it kept.
"""

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import pipelines.cli
from pipelines.errors import FrozenFeaturesError, ImageError

ROOT = Path(__file__).resolve().parents[1]
FOLDER = "FROZEN_FEATURES_MESSAGES"
"""Names the folder that messages are collected in, a file a process."""

Body = Callable[[Sequence[str]], int | None]


class _Tee:
    """A stream that also keeps what is written; no file of its own, which would be closed."""

    def __init__(self, whole: Any) -> None:
        self._whole, self.said = whole, ""

    def write(self, text: str) -> int:
        self.said += text
        return int(self._whole.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


class Recorder:
    """Writes down what is said while a test runs.

    Attributes:
        item: the test; None between tests.
        base: the folder that this process's tests write in.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._home = folder, str(Path.home())
        self._rows: list[str] = []
        self.item: pytest.Item | None = None
        self.base = ""

    def keep(self, said: str, status: int | None, command: str, argv: Sequence[str]) -> None:
        """Keep a message of a test; what random tests say differs from run to run."""
        if self.item is None or getattr(self.item.function, "is_hypothesis_test", False):
            return
        if self.item.nodeid.startswith("tests/benchmarks/"):  # no part of the product
            return
        row = {
            "test": self.item.nodeid,
            "command": command,
            "options": [self._neutral(each) for each in argv],
            "status": status,
            "said": self._neutral(said),
        }
        self._rows.append(json.dumps(row) + "\n")

    def write(self) -> None:
        """Write what was kept; a test that runs may have given up its rights, or patched `os`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{os.getpid()}.jsonl").open("a") as file:
            file.writelines(self._rows)

    def _neutral(self, text: str) -> str:
        """A text without this machine's folders."""
        ours = [re.escape(self.base) + r"/[^/\s:,;'\")]+", re.escape(str(ROOT)) + r"[\w./-]*"]
        text = re.sub(ours[0], "FOLDER", text)
        text = re.sub(re.escape(tempfile.gettempdir()) + r"/tmp[^/\s:,;'\")]+", "FOLDER", text)
        text = re.sub(ours[1] + r"(/\w+)|" + ours[1], r"FOLDER\1", text)
        text = text.replace(self.base, "FOLDER")
        return re.sub(rf"(?<![\w./-]){re.escape(self._home)}(?=/)", "HOME", text)


def _is_made_up(error: BaseException) -> bool:
    """Whether a test raised it, and not the product."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(ROOT / "tests") in trace.tb_frame.f_code.co_filename


def _recording_commands(
    run: Callable[[Body, Sequence[str]], int], recorder: Recorder
) -> Callable[..., int]:
    def run_command(body: Body, argv: Sequence[str]) -> int:
        usual, made_up = sys.stderr, False
        tee = _Tee(usual)

        def watched(argv: Sequence[str]) -> int | None:
            nonlocal made_up
            try:
                return body(argv)
            except FrozenFeaturesError as error:
                made_up = _is_made_up(error)
                raise

        sys.stderr = tee  # type: ignore[assignment]
        try:
            status = run(watched, argv)
        finally:
            sys.stderr = usual
        lines = [line for line in tee.said.splitlines() if line.startswith("error: ")]
        if status and lines and hasattr(body, "args") and not made_up:
            recorder.keep(lines[-1].removeprefix("error: "), status, body.args[0].prog, argv)
        return status

    return run_command


def _recording_raises(leave: Callable[..., bool], recorder: Recorder) -> Callable[..., bool]:
    def __exit__(raises: Any, kind: Any, error: Any, traceback: Any) -> bool:  # noqa: N807
        left = leave(raises, kind, error, traceback)
        if left and isinstance(error, FrozenFeaturesError) and not _is_made_up(error):
            status = None if isinstance(error, ImageError) else error.exit_status
            recorder.keep(pipelines.cli._one_line(error), status, "", [])
        return left

    return __exit__


if FOLDER in os.environ:  # at once, before any command imports it
    RECORDER = Recorder(Path(os.environ[FOLDER]))
    pipelines.cli.run_command = _recording_commands(pipelines.cli.run_command, RECORDER)
    Raises: Any = type(pytest.raises(FrozenFeaturesError))
    Raises.__exit__ = _recording_raises(Raises.__exit__, RECORDER)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(item: pytest.Item) -> Any:
        """See pytest."""
        RECORDER.item = item
        RECORDER.base = str(item.config._tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]
        try:
            return (yield)
        finally:
            RECORDER.item = None

    def pytest_sessionfinish() -> None:
        """See pytest."""
        RECORDER.write()
