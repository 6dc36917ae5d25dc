"""Processor time is handed out once, however many work at the same time."""

from pipelines.system.processor_time import ProcessorTime


def test_each_second_is_handed_out_once():
    clock = iter([10.0, 12.0, 15.0, 100.0, 101.5])
    time = ProcessorTime(lambda: next(clock))
    time.begin()  # at 10
    time.begin()  # the clock is not read: somebody works already
    assert time.end() == 2.0
    assert time.end() == 3.0
    time.begin()  # at 100: what passed in between is nobody's
    assert time.end() == 1.5
