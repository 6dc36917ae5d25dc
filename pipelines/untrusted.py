"""JSON that another program may have written: the value it should be, or one line on why not."""

import threading
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import msgspec

Value = TypeVar("Value")

_building = threading.Lock()
_decoders: dict[type, "msgspec.json.Decoder[Any]"] = {}


def value_from_json(text: str | bytes, kind: type[Value]) -> Value:
    """Read JSON as a value of a type; nothing in it is taken on trust.

    Numbers that are not finite, text that is not Unicode and fields that a dataclass does not have
    are refused, those of a newer version among them.

    Args:
        text: the JSON; bytes are UTF-8.
        kind: a dataclass or any other type that msgspec knows, `dict[str, int]` for one.

    Raises:
        ValueError: it is no JSON, or no such value; one line says what and where.
    """
    try:
        value: Value = _decoder(kind).decode(text)
        if is_dataclass(kind):
            _refuse_others(_decoder(dict[str, Any]).decode(text), kind)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error
    return value


def _decoder(kind: type) -> "msgspec.json.Decoder[Any]":
    # msgspec 0.22 keeps what it knows of a dataclass before it knows all of it: another thread
    # that decodes one meanwhile ends the process.
    with _building:
        if kind not in _decoders:
            _decoders[kind] = msgspec.json.Decoder(kind)
        return _decoders[kind]


def _refuse_others(values: dict[str, Any], kind: type) -> None:
    unknown = sorted(values.keys() - {field.name for field in fields(kind)})
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}; a newer version may have written it")
