import logging
import sys
import threading
from types import SimpleNamespace

import pytest

from pipelines.shards.beam import (
    _hush_for_good,
    load_beam,
    one_line,
    outside_notebooks,
    quiet_runner,
)


def test_a_traceback_comes_down_to_its_last_words():
    text = "Traceback (most recent call last):\n  File x, line 3\n  at y\nValueError: too blue\n\n"
    assert one_line(RuntimeError(text)) == "ValueError: too blue"
    assert one_line(RuntimeError()) == "RuntimeError"


@pytest.mark.parametrize(("code", "gone"), [("UNAVAILABLE", True), ("INTERNAL", False)])
def test_a_job_server_that_is_gone(code, gone):
    error = RuntimeError("<_MultiThreadedRendezvous of RPC\n\tdetails = 'Socket closed'\n>")
    error.code = lambda: SimpleNamespace(name=code)
    assert one_line(error).startswith("Beam's job server is gone") is gone


def fail_in_thread(name: str) -> None:
    def fail() -> None:
        raise ValueError("said by a thread")

    thread = threading.Thread(target=fail, name=name)
    thread.start()
    thread.join()


def test_beam_s_thread_is_quiet_for_good_and_others_are_not(capsys, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    _hush_for_good.cache_clear()
    with quiet_runner():
        logging.getLogger().error("to the root")
        logging.getLogger("apache_beam.x").error("under its own name")
        fail_in_thread("mine")
        assert "said by a thread" in capsys.readouterr().err
    fail_in_thread("wait_until_finish_read")
    assert capsys.readouterr().err == ""
    assert logging.getLogger().level != logging.CRITICAL
    monkeypatch.undo()
    _hush_for_good.cache_clear()


def test_in_a_notebook_a_pipeline_is_built_as_in_a_program(monkeypatch):
    beam = load_beam()
    shell = SimpleNamespace(config={"IPKernelApp": {}}, execution_count=7)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    # What Beam would import there, and cannot with any pandas newer than 2.
    monkeypatch.setitem(
        sys.modules, "apache_beam.runners.interactive.interactive_environment", None
    )
    with pytest.raises(ImportError):
        beam.Pipeline("BundleBasedDirectRunner") | "ours" >> beam.Create([1])
    with outside_notebooks():
        pipeline = beam.Pipeline("BundleBasedDirectRunner")
        assert (pipeline | "ours" >> beam.Create([1])).producer.full_label == "ours/Map(decode)"
    with pytest.raises(ImportError):
        beam.Pipeline("BundleBasedDirectRunner") | "ours" >> beam.Create([1])
