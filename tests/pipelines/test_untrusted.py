"""JSON of another program is the value it should be, or a ValueError, whatever it holds."""

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.untrusted import value_from_json
from tests.conftest import ROOT


@dataclass(frozen=True, slots=True)
class Part:
    name: str


@dataclass(frozen=True, slots=True)
class Whole:
    number: int
    parts: tuple[Part, ...] = ()
    share: float | None = None
    rest: dict[str, Any] | None = None


def test_a_value_is_read_with_its_parts():
    text = '{"number": 3, "parts": [{"name": "é"}], "share": 1, "rest": {"a": [1]}}'
    assert value_from_json(text, Whole) == Whole(3, (Part("é"),), 1.0, {"a": [1]})


def test_defaults_stand_in_for_what_is_not_said():
    assert value_from_json(b'{"number": 3}', Whole) == Whole(3)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"number": "3"}', "Expected `int`, got `str` - at `$.number`"),
        ('{"number": true}', "Expected `int`, got `bool`"),
        ('{"number": 1e999}', "out of range"),
        ('{"number": 3, "share": NaN}', "malformed"),
        ('{"number": null}', "got `null`"),
        ("{}", "missing required field `number`"),
        ("[]", "got `array`"),
        ("null", "got `null`"),
        ("", "truncated"),
        ('{"number": 3', "truncated"),
        ('{"number": 3, "numbre": 4}', "unknown field 'numbre'"),
        ('{"number": 3, "parts": [{"nam": "x"}]}', "missing required field `name`"),
        ('{"number": 3, "parts": "xy"}', "Expected `array`"),
        ('{"number": 3, "rest": {"a": "\\ud800"}}', "truncated"),
        ('{"number": 3, "rest": {"a": "\ud800"}}', "surrogates"),
        (b'{"number": 3, "rest": {"a": "\xff"}}', "utf-8"),
        ('{"number": 3, "rest": ' + '{"a":' * 100_000 + "1" + "}" * 100_001, "nested too deeply"),
    ],
    ids=range(17),
)
def test_what_is_not_the_value_is_refused_in_one_line(text, why):
    with pytest.raises(ValueError, match=re.escape(why)) as refusal:
        value_from_json(text, Whole)
    assert "\n" not in str(refusal.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.binary() | st.text() | json_values.map(repr))
def test_nothing_else_is_raised(text):
    try:
        value = value_from_json(text, Whole)
    except ValueError:
        return
    assert isinstance(value, Whole)


AT_ONCE = """
import sys, threading
from dataclasses import make_dataclass
from pipelines.untrusted import value_from_json

sys.setswitchinterval(1e-6)
for number in range(100):
    part = make_dataclass("Part", [("name", str), ("numbers", tuple[int, ...])])
    whole = make_dataclass("Whole", [("number", int), ("part", part), ("rest", dict[str, int])])
    found, together = [], threading.Barrier(8)

    def read():
        together.wait()
        text = '{"number": 1, "part": {"name": "a", "numbers": [1, 2]}, "rest": {"b": 2}}'
        found.append(value_from_json(text, whole))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [whole(1, part("a", (1, 2)), {"b": 2})] * 8
"""


def test_threads_may_read_the_first_value_of_a_type_at_once():
    """A run on a store read its files' receipts so, and ended with a segmentation fault."""
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
