"""JSON of another program is the value it should be, or a ValueError, whatever it holds."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.untrusted import value_from_json


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
