"""Engines take turns, so that what else a machine does decides no race."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engines.rounds import LEAST_ROUNDS, MOST_ROUNDS, MOST_SECONDS, Rounds, take_turns
from pipelines.errors import EngineError


class Machine:
    """A clock, engines of known speeds that take its time, and neighbours who slow them down."""

    def __init__(self, seconds, slow=()):
        """Take seconds a round by engine, and (from, until, factor) of each neighbour's burst."""
        self.time, self.ran, self.seconds, self.slow = 0.0, [], seconds, slow

    def now(self):
        return self.time

    def run(self, name):
        factor = 1.0
        for start, end, times in self.slow:
            if start <= self.time < end:
                factor *= times
        self.time += self.seconds[name] * factor
        self.ran.append(name)
        return 1.0 / (self.seconds[name] * factor)

    def race(self):
        runners = {name: (lambda name=name: self.run(name)) for name in self.seconds}
        return take_turns(runners, self.now)


def winner(done):
    return max(done, key=lambda name: max(done[name].rates))


def test_on_a_quiet_machine_each_runs_the_least_rounds_in_turn():
    machine = Machine({"a": 1.0, "b": 2.0, "c": 1.5})
    done = machine.race()
    assert {name: each.rates for name, each in done.items()} == {
        "a": (1.0,) * LEAST_ROUNDS,
        "b": (0.5,) * LEAST_ROUNDS,
        "c": (1 / 1.5,) * LEAST_ROUNDS,
    }
    assert machine.ran[:6] == ["a", "b", "c", "c", "b", "a"]


@given(
    seconds=st.lists(st.floats(0.1, 2.0), min_size=2, max_size=4, unique=True),
    noise=st.data(),
)
def test_noise_that_leaves_each_engine_a_quiet_round_changes_no_winner(seconds, noise):
    names = [f"engine{place}" for place in range(len(seconds))]
    true = dict(zip(names, seconds, strict=True))
    quiet = {name: noise.draw(st.integers(0, LEAST_ROUNDS - 1)) for name in names}
    ran = dict.fromkeys(names, 0)

    def run(name):
        factor = 1.0 if ran[name] == quiet[name] else noise.draw(st.floats(1.0, 50.0))
        ran[name] += 1
        return 1.0 / (true[name] * factor)

    done = take_turns({name: (lambda name=name: run(name)) for name in names}, lambda: 0.0)
    assert winner(done) == min(true, key=true.get)
    for name in names:
        assert max(done[name].rates) == 1.0 / true[name]


@given(
    rival=st.floats(1.05, 5.0),
    start=st.floats(0.0, 30.0),
    times=st.floats(1.0, 20.0),
    data=st.data(),
)
def test_one_burst_of_a_neighbour_changes_no_winner(rival, start, times, data):
    """Of any length that leaves two turns alone, wherever it begins."""
    turn = 1.0 + rival
    length = data.draw(st.floats(0.0, (LEAST_ROUNDS - 2) * turn))
    machine = Machine({"fast": 1.0, "slow": rival}, [(start, start + length, times)])
    assert winner(machine.race()) == "fast"


def test_one_after_the_other_the_same_burst_would_have_decided():
    burst = [(0.0, 4.0, 3.0)]
    machine = Machine({"fast": 1.0, "slow": 1.5}, burst)
    in_turn = machine.race()
    alone = Machine({"fast": 1.0, "slow": 1.5}, burst)
    rates = {name: max(alone.run(name) for _ in range(2)) for name in ("fast", "slow")}
    assert max(rates, key=rates.get) == "slow"
    assert winner(in_turn) == "fast"


def test_rounds_go_on_until_the_best_is_met_twice():
    rates = iter([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 5.9, 9.0])
    done = take_turns({"a": lambda: next(rates), "b": lambda: 3.0}, lambda: 0.0)
    assert done["a"].rates == (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 5.9)
    assert len(done["b"].rates) == 7


def test_rounds_end_though_nothing_settles():
    growing = iter(range(1, 1000))
    done = take_turns({"a": lambda: 1.5 ** next(growing)}, lambda: 0.0)
    assert len(done["a"].rates) == MOST_ROUNDS


def test_slow_engines_get_two_rounds_however_long_they_take():
    machine = Machine({"a": MOST_SECONDS, "b": MOST_SECONDS})
    done = machine.race()
    assert [len(each.rates) for each in done.values()] == [2, 2]


def test_an_engine_that_fails_in_a_round_runs_no_more():
    def fail():
        raise EngineError("it failed with status -11: ")

    done = take_turns({"a": fail, "b": lambda: 2.0}, lambda: 0.0)
    assert done["a"].rates == ()
    assert str(done["a"].failure) == "it failed with status -11: "
    assert done["b"].rates == (2.0,) * LEAST_ROUNDS


@pytest.mark.parametrize(("rates", "settled"), [((), False), ((2.0,), False), ((2.0, 1.95), True)])
def test_a_best_is_settled_when_it_was_met_twice(rates, settled):
    assert Rounds(rates).settled is settled
