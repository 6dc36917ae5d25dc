"""Keyword arguments read by a command's own parser: the same names, defaults and complaints."""

import argparse
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TypedDict, TypeVar, cast

from pipelines.cli import Parser
from pipelines.errors import UsageError

Location = str | os.PathLike[str]

_Parsed = TypeVar("_Parsed")


class LayoutOptions(TypedDict, total=False):
    """How an input is to be understood; the options of all commands that read images.

    Attributes:
        path_column, id_column, label_column, split_column, group_column: what a manifest calls the
            column.
        size_column, modified_column: what a manifest calls the columns of sizes and times, so that
            no file is asked for them.
        id_prefix: what every image's id is to begin with.
        input_version: of a Delta table; the newest when None.
        allow_private_hosts: fetch URLs of this machine and of private networks too.
        any_suffix: whether files without an image's suffix are looked into.
        labels_from: where in its path an image's label stands.
        label_separator: what divides the labels of an image that may have several.
        split_by: what decides the split of images of which the input says none.
    """

    path_column: str | None
    id_column: str | None
    label_column: str | None
    split_column: str | None
    group_column: str | None
    size_column: str | None
    modified_column: str | None
    id_prefix: str | None
    input_version: int | None
    allow_private_hosts: bool | None
    any_suffix: bool | None
    labels_from: str | None
    label_separator: str | None
    split_by: str | None


def arguments(given: Mapping[str, object]) -> dict[str, object]:
    """A function's arguments by name, those of its `layout` among them.

    Args:
        given: the function's `locals()`, before it has any other.

    Raises:
        TypeError: there is no such option.
    """
    layout = cast(LayoutOptions, given["layout"])
    for name in layout:
        if name not in LayoutOptions.__annotations__:
            raise TypeError(f"there is no argument {name!r}")
    return (
        {name: given[name] for name in given if name != "layout"}
        | dict.fromkeys(LayoutOptions.__annotations__)
        | dict(layout)
    )


def parse_keywords(parser: Parser, given: Mapping[str, object]) -> argparse.Namespace:
    """What the parser would make of a command line with these options.

    Args:
        parser: the command's.
        given: values by option; None is as good as not given.

    Raises:
        UsageError: as the command does, or a flag is neither True nor False.
    """
    actions = {action.dest: action for action in parser._actions}
    argv = []
    for name, value in given.items():
        if value is None:
            continue
        option = actions[name].option_strings[0]
        if actions[name].nargs == 0:
            if not isinstance(value, bool):
                raise UsageError(f"{name} is True or False, not {value!r}")
            argv += [option] if value else []
        elif isinstance(actions[name], argparse._AppendAction) and not isinstance(
            value, str | os.PathLike
        ):
            argv += [f"{option}={_as_text(each)}" for each in cast(Iterable[object], value)]
        else:
            argv.append(f"{option}={_as_text(value)}")
    return parser.parse_args(argv)


def as_option(name: str, parse: Callable[[str], _Parsed], location: Location) -> _Parsed:
    """A place as a command's option of that name takes it.

    Raises:
        UsageError: the option does not take it.
    """
    try:
        return parse(_as_text(location))
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"argument --{name}: {error}") from error


def locations(given: Location | Iterable[Location]) -> list[str]:
    """One place or several, as text."""
    return [
        os.fspath(each) for each in ([given] if isinstance(given, str | os.PathLike) else given)
    ]


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    if isinstance(value, Mapping):
        return ",".join(f"{name}={each}" for name, each in value.items())
    if isinstance(value, tuple | list):
        return ",".join(str(each) for each in value)
    return str(value)
