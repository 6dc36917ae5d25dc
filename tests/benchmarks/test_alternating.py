from benchmarks import alternating
from benchmarks.alternating import measure_in_turn, spread, take_in_turn, time_in_turn


def test_ways_take_turns():
    order = []
    taken = take_in_turn({name: lambda name=name: order.append(name) or name for name in "ab"}, 3)
    assert order == ["a", "b"] * 3
    assert taken == {"a": ["a"] * 3, "b": ["b"] * 3}


def test_ratios_are_speeds_against_the_first_way_repeat_by_repeat():
    slow, fast = iter([4.0, 6.0, 9.0]), iter([2.0, 2.0, 9.0])
    timings = measure_in_turn({"slow": lambda: next(slow), "fast": lambda: next(fast)}, 3)
    assert timings["slow"].ratios == (1.0, 1.0, 1.0)
    assert timings["fast"].ratios == (2.0, 3.0, 1.0)
    assert timings["fast"].median_ratio == 2.0
    assert timings["fast"].median_seconds == 2.0
    assert timings["slow"].speed_against(timings["fast"]) == (0.5, 1 / 3, 1.0)


def test_wall_time_is_what_is_counted(monkeypatch):
    passed = 0.0

    def wait(seconds):
        nonlocal passed
        passed += seconds

    monkeypatch.setattr(alternating.time, "perf_counter", lambda: passed)
    timings = time_in_turn({"a": lambda: wait(3.0), "b": lambda: wait(1.5)}, 2)
    assert timings["a"].seconds == (3.0, 3.0)
    assert timings["b"].seconds == (1.5, 1.5)
    assert timings["b"].median_ratio == 2.0


def test_the_spread_is_median_least_and_most():
    assert spread([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)
